import { views } from './composition.ts'

/** Runs each minute: adds the views that wait to the posts. Two at a time, or one that is killed, lose and repeat nothing. */
export const { handler } = views
