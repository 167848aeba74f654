import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { streamHandler } from '@warmtoken/core/live'
import { LOCAL_CREDENTIALS } from '@warmtoken/local'
import { batch } from './batches.ts'

// A stream function in a process of its own: `node stream-process.ts <DynamoDB> <receiver>`.
const [, , endpoint = '', receiver = ''] = process.argv
const handler = streamHandler({
  publisher: {
    name: 'receiver',
    async publish(events, { signal }) {
      await fetch(receiver, { method: 'POST', body: JSON.stringify(events), signal })
    },
  },
  store: dynamoDBStore({ table: 'live', endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS }),
})
const { batchItemFailures } = await handler({ Records: batch(1, 100) })
process.stdout.write(JSON.stringify(batchItemFailures))
