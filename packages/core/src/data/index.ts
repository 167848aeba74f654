export { type CacheOptions, createCache } from './cache.ts'
export { type CheckGenerationsOptions, checkGenerations, type GenerationFinding } from './check-generations.ts'
export type { Control, Switches } from './control.ts'
export type { CacheEvent, CacheListener } from './events.ts'
export type { ParamsOf } from './key-template.ts'
export type { CacheReport, ResourceReport } from './report.ts'
export type {
  Cache,
  CacheChange,
  DataGetOptions,
  Inspection,
  Invalidation,
  KeepOptions,
  Kept,
  Lives,
  LoadContext,
  LoadedMany,
  LoadManyContext,
  Resource,
  ResourceOptions,
  WriteContext,
  WriteOptions,
  Written,
} from './types.ts'
export { ValueError, ValueTooLargeError } from './value.ts'
