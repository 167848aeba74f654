/**
 * Local servers for developing and testing: DynamoDB, S3, KMS, STS, Secrets Manager, SSM, Upstash, Redis, PostgreSQL, an
 * OpenID issuer, and a proxy that makes requests fail. Each `startX()` listens on 127.0.0.1, on a free port by default, until
 * its `close()` is called.
 *
 * @module
 */
export type { AwsErrorOptions } from './aws/aws-json.ts'
export { awsError } from './aws/aws-json.ts'
export type { EncryptionContext } from './aws/data-keys.ts'
export type { DataKeyOptions, Kms, KmsOptions } from './aws/start-kms.ts'
export { startKms } from './aws/start-kms.ts'
export type { SecretsManager, SecretsManagerOptions } from './aws/start-secrets-manager.ts'
export { startSecretsManager } from './aws/start-secrets-manager.ts'
export type { Ssm, SsmOptions } from './aws/start-ssm.ts'
export { startSsm } from './aws/start-ssm.ts'
export type { Sts, StsOptions, StsRole } from './aws/start-sts.ts'
export { startSts, stsError } from './aws/start-sts.ts'
export type { DynamoDBAnswer } from './dynamodb/ask-dynamodb.ts'
export { askDynamoDB } from './dynamodb/ask-dynamodb.ts'
export type { DynamoDBOptions } from './dynamodb/start-dynamodb.ts'
export { startDynamoDB } from './dynamodb/start-dynamodb.ts'
export type { DynamoDBLocalOptions } from './dynamodb/start-dynamodb-local.ts'
export { startDynamoDBLocal } from './dynamodb/start-dynamodb-local.ts'
export type { DynoxideOptions } from './dynamodb/start-dynoxide.ts'
export { startDynoxide } from './dynamodb/start-dynoxide.ts'
export type { Chance, Fault, FaultCounts, FaultMoment, FaultRule, ProxiedRequest } from './faults/fault.ts'
export { seededRandom } from './faults/seeded-random.ts'
export type { FaultProxy, FaultProxyOptions } from './faults/start-fault-proxy.ts'
export { startFaultProxy } from './faults/start-fault-proxy.ts'
export type { RedisFaultProxyOptions } from './faults/start-redis-fault-proxy.ts'
export { startRedisFaultProxy } from './faults/start-redis-fault-proxy.ts'
export type {
  TcpFault,
  TcpFaultProxy,
  TcpFaultProxyOptions,
  TcpFaultRule,
  TcpRequest,
} from './faults/start-tcp-fault-proxy.ts'
export { startTcpFaultProxy } from './faults/start-tcp-fault-proxy.ts'
export type { ListenOptions, LocalServer } from './http/listen.ts'
export type { Issuer, IssuerClient, IssuerOptions } from './issuer.ts'
export { startIssuer } from './issuer.ts'
export type { ChildServer, ChildServerOptions } from './process/child-server.ts'
export { claimPort, startChildServer } from './process/child-server.ts'
export type { ServerFolder } from './process/other-user.ts'
export { makeServerFolder } from './process/other-user.ts'
export type { PostgresServer, PostgresServerOptions } from './process/postgres-server.ts'
export { startPostgresServer } from './process/postgres-server.ts'
export type { RedisCluster, RedisClusterOptions } from './process/redis-cluster.ts'
export { startRedisCluster } from './process/redis-cluster.ts'
export type { RedisServerOptions } from './process/redis-server.ts'
export { startRedisServer } from './process/redis-server.ts'
export type { ProtectedApi, ProtectedApiOptions } from './protected-api.ts'
export { startProtectedApi } from './protected-api.ts'
export type { S3Credentials } from './s3/authenticate.ts'
export type { S3HookAnswer, S3HookRequest, S3Options } from './s3/start-s3.ts'
export { LOCAL_CREDENTIALS, startS3 } from './s3/start-s3.ts'
export type { RedisAddress } from './upstash/resp/resp-connection.ts'
export type { UpstashOptions, UpstashServer } from './upstash/start-upstash.ts'
export { startUpstash } from './upstash/start-upstash.ts'
