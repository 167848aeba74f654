import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler'
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'

/** Adds a function that uses tokens, with its table and its secret. Call it in the constructor of your stack. */
export function addContacts(scope: Construct, code: Code): void {
  const table = new Table(scope, 'TokenTable', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: 'keepUntil',
    // Backups would bring back refresh tokens that were rotated since.
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: false },
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const secret = new Secret(scope, 'ClientSecret', { description: 'The client secret; give it its value by hand' })
  const contacts = new LambdaFunction(scope, 'Contacts', {
    code,
    handler: 'contacts.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 256,
    // Longer than a cold start that waits for the token request of another environment.
    timeout: Duration.seconds(15),
    environment: { TOKEN_TABLE: table.tableName, CLIENT_SECRET_ID: secret.secretArn },
  })
  table.grant(contacts, 'dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem')
  contacts.addToRolePolicy(
    new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secret.secretArn] }),
  )
  // Only with a plan of refreshes: see docs/schedule.md.
  new Schedule(scope, 'RefreshTick', {
    schedule: ScheduleExpression.rate(Duration.minutes(1)),
    target: new LambdaInvoke(contacts),
  })
}
