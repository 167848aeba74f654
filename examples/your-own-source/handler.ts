import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { withTokens } from '@warmtoken/core/handler'
import { weatherSession } from './weather-session.ts'

const { TOKEN_TABLE = '', WEATHER_URL = '', WEATHER_API_KEY = '' } = process.env
const { TOKEN_DIRECTORY = '/tmp/warmtoken' } = process.env

const tokens = createTokens({
  store: dynamoDBStore({ table: TOKEN_TABLE, env: process.env }),
  directory: TOKEN_DIRECTORY,
})

const weather = tokens.use(weatherSession({ url: WEATHER_URL, apiKey: WEATHER_API_KEY }))

export const handler = withTokens({ weather }, async (_event, { weather: token }) => {
  const response = await weather.fetch(`${WEATHER_URL}/today`)
  return {
    statusCode: response.status,
    headers: { 'content-type': 'application/json', 'x-token-tier': token.tier },
    body: await response.text(),
  }
})
