/**
 * Imitations of issuers that keep their real rules: reuse windows, same-token answers, quotas, rotation, errors inside
 * HTTP 200. For tests of your own: `import { startFeishu } from '@warmtoken/local/issuers'`.
 *
 * @module
 */
export { type DingTalkImitation, type DingTalkImitationOptions, startDingTalk } from './dingtalk.ts'
export { type EntraImitation, type EntraImitationOptions, startEntra } from './entra.ts'
export { type FeishuImitation, type FeishuImitationOptions, startFeishu } from './feishu.ts'
export { challengeEvent, type PushedEvent, type PushSettings } from './feishu-push.ts'
export type { GitHubImitation, GitHubImitationOptions } from './github.ts'
export { startGitHub } from './github.ts'
export type { GitHubInstallationGrant } from './github-app.ts'
export type { Answering, ImitatedAnswer, ImitatedRequest, Imitation, ImitationOptions } from './imitation.ts'
export { startImitation } from './imitation.ts'
export type { OddIssuer, OddIssuerOptions, OddVendor } from './odd.ts'
export { startOddIssuer } from './odd.ts'
export type { RotatingIssuer, RotatingIssuerOptions } from './rotating.ts'
export { startRotatingIssuer } from './rotating.ts'
export type { SalesforceImitation, SalesforceImitationOptions } from './salesforce.ts'
export { startSalesforce } from './salesforce.ts'
export type { WeChatImitation, WeChatImitationOptions } from './wechat.ts'
export { startWeChat } from './wechat.ts'
export type { WeComImitation, WeComImitationOptions } from './wecom.ts'
export { startWeCom } from './wecom.ts'
