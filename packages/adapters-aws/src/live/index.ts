/**
 * Live events on AWS: the connections of a WebSocket API, who follows what in a DynamoDB table, further pages by another
 * invocation, and AppSync Events as another engine.
 *
 * @module
 */

export type { AwsCredentials } from '../shared/sigv4.ts'
export { type AppSyncPublisherOptions, appSyncPublisher, channelOf } from './app-sync.ts'
export { type ApiGatewayConnectionsOptions, apiGatewayConnections } from './connections.ts'
export { type LambdaPagesOptions, lambdaPages } from './pages.ts'
export type { AwsPlace } from './signed-request.ts'
export { type DynamoDBSubscribersOptions, dynamoDBSubscribers } from './subscribers.ts'
