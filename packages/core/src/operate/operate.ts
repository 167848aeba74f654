/**
 * What operators do with the records of a store: list, look, steer. The command line and the admin function use it. No
 * function that serves users needs it, nor the rights that it needs.
 *
 * @module
 */

export {
  type Calling,
  type Changed,
  type ChangePlan,
  change,
  type Interval,
  inParallel,
  type KeyPage,
  type Replacement,
  readSeen,
  readViews,
  type Walk,
  walkKeys,
} from './change.ts'
export {
  type Audit,
  auditLine,
  endCoolDown,
  type Operator,
  purgeRecord,
  refreshNow,
  rejectValue,
  type Steering,
  type SteeringAction,
  SteeringError,
  steer,
  stopSource,
} from './steer.ts'
export { isExclusive, isOurs, parseValueRecord, type RecordView, type State, sealingOf, viewOf } from './view.ts'
