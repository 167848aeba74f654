import { dynalite, dynamoDBLocal, dynoxide, leanDynalite, leanDynoxide } from '../backends/dynamodb.ts'
import { runConformance } from '../run-conformance.ts'

const { WARMTOKEN_DYNAMODB_LOCAL: folder } = process.env
const amazons = folder === undefined ? [] : dynamoDBLocal(folder)
const local = [dynalite, leanDynalite, dynoxide, leanDynoxide, ...amazons]

runConformance({ direct: local, proxied: local })
