import type { Mutant } from './mutants.ts'

/** Broken variants of the invalidation protocol, each of which the simulation of data must catch. Caches have no file tier to break. */
export const DATA_MUTANTS: readonly Mutant[] = [
  {
    name: 'numbers after the load',
    edits: [
      {
        file: 'data/load.ts',
        find: 'const kept = cachedOf(item.source, loaded, { previous, under })',
        replace:
          'await readGenerations(home, home.context().store, { tags: knownTags(item), options: { signal, consistent: true } }); const kept = cachedOf(item.source, loaded, { previous, under: underOf(home, knownTags(item)) }); void under',
      },
    ],
  },
  {
    name: 'client clocks',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: '    const latest = Math.ceil(server.latest() ?? 0)\n    const next = change.next(parse(seen.image), latest)',
        replace:
          '    const latest = Math.ceil(server.latest() ?? 0)\n    const next = change.next(parse(seen.image), runtime.wall())',
      },
      {
        file: 'data/generations.ts',
        find: 'Math.max(last + 1, Math.ceil(latest))',
        replace: 'Math.ceil(latest) + 0 * last',
      },
    ],
  },
  {
    name: 'short keep',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: 'const KEEP: number = 401 * 86_400_000',
        replace: 'const KEEP: number = 1_000',
      },
    ],
  },
  {
    name: 'counter restarts',
    edits: [
      { file: 'data/generations.ts', find: 'Math.max(last + 1, Math.ceil(latest))', replace: 'last + 1 + 0 * latest' },
    ],
  },
  {
    name: 'eventual readers',
    edits: [
      {
        file: 'data/read-generations.ts',
        find: '    ...options,\n    consistent: true,',
        replace: '    ...options,\n    consistent: false,',
      },
      {
        file: 'data/recheck.ts',
        find: 'consistent: true',
        replace: 'consistent: false',
      },
    ],
  },
  {
    name: "update takes the look's numbers",
    edits: [
      {
        file: 'data/changes.ts',
        find: '  if (entry === undefined) return now\n',
        replace: '  if (entry !== null) return now\n',
      },
    ],
  },
  {
    name: 'touch revives the dead',
    edits: [
      {
        file: 'data/look.ts',
        find: "if (judgeUnder(item, entry.value.under, home.knowledge) === 'dead') return found",
        replace: '',
      },
      {
        file: 'data/changes.ts',
        find: 'const { made: _made, ...cached } = value',
        replace: 'const { made: _made, ...old } = value; const cached = { ...old, under: underOf(home, item.tags) }',
      },
    ],
  },
  {
    name: "a look from before the environment's own change is kept",
    edits: [
      {
        file: 'data/verdict.ts',
        find: "if (entry.version > 0 ? entry.version < item.least : made !== undefined && made.changes < item.changes) return 'dead'",
        replace: "if (made !== undefined && made.changes < -1) return 'dead'",
      },
    ],
  },
  {
    name: 'the answer to an older change is adopted last',
    edits: [{ file: 'data/write.ts', find: '  if (version < item.least) return\n', replace: '' }],
  },
  {
    name: 'a load that finds none leaves the old value',
    edits: [
      {
        file: 'data/look.ts',
        find: 'if (value !== undefined || problem !== undefined) return undefined',
        replace: 'if (value !== undefined || problem !== null) return undefined',
      },
    ],
  },
  {
    name: 'blind conflict is done',
    edits: [
      {
        file: 'data/generations.ts',
        find: "return (severity === 'hard' ? there.hard : numberOf(there)) > readBefore",
        replace: 'return severity !== undefined && there !== undefined && readBefore >= 0',
      },
    ],
  },
  {
    name: 'a soft conflict counts for a hard one',
    edits: [
      {
        file: 'data/generations.ts',
        find: "return (severity === 'hard' ? there.hard : numberOf(there)) > readBefore",
        replace: 'return numberOf(there) > readBefore && severity !== undefined',
      },
    ],
  },
  {
    name: 'conflict above the own number only',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: '    number: numberOfRoot,',
        replace: '    number: numberOf,',
      },
    ],
  },
  {
    name: 'a swap of the control is done',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: 'change.covers(parse(seen.image), readBefore)',
        replace: "(form.tag === '' || change.covers(parse(seen.image), readBefore))",
      },
    ],
  },
  {
    name: 'folding forgets',
    edits: [
      {
        file: 'data/generations.ts',
        find: 'const hard = Math.max(root.hard, oldest.hard)',
        replace: 'const hard = root.hard',
      },
      {
        file: 'data/generations.ts',
        find: 'const soft = Math.max(root.soft, oldest.soft)',
        replace: 'const soft = root.soft',
      },
    ],
  },
  {
    name: 'checked from receipt',
    edits: [
      {
        file: 'data/look.ts',
        find: 'return { ...(found.get(slot.key) ?? { image: undefined, time: undefined }), look }',
        replace:
          'return { ...(found.get(slot.key) ?? { image: undefined, time: undefined }), look: { ...look, sentAt: context().clock.fast() } }',
      },
      {
        file: 'data/knowledge.ts',
        find: 'const checkedAt = Math.max(last.checkedAt, sentAt)',
        replace: 'const checkedAt = Math.max(last.checkedAt, sentAt, gotAt)',
      },
      {
        file: 'data/look.ts',
        find: 'item.checkedAt = entry === undefined ? item.lookedAt : checkedAtOf(home, entry)',
        replace: 'item.checkedAt = context().clock.fast()',
      },
    ],
  },
  {
    name: 'stale while it is rechecked',
    edits: [
      {
        file: 'data/get.ts',
        find: 'if (now < slot.usableUntil) {',
        replace:
          'if (now < slot.usableUntil || (home.recheck > 0 && now < item.hardUntil)) { if (now >= slot.usableUntil) { void recheck.check(item); return entry }',
      },
    ],
  },
  {
    name: 'recheck by the monotonic clock',
    edits: [{ file: 'engine/time/clock.ts', find: 'drift += wallNow - wall - elapsed', replace: 'drift += 0' }],
  },
  {
    name: 'recheck without the record',
    edits: [
      {
        file: 'data/recheck.ts',
        find: 'if (version === entry.version &&',
        replace: 'if ((version === entry.version || true) &&',
      },
    ],
  },
  {
    name: 'waiter trusts',
    // Two layers: what a refresh gives is judged again before it is served. Without one of them alone, nothing dead is served.
    edits: [
      {
        file: 'engine/miss/refresh.ts',
        find: "(entry === undefined || judgement === 'dead')",
        replace: "(entry === undefined || (judgement === 'dead' && flight.polls === 0))",
      },
      {
        file: 'engine/miss/miss-path.ts',
        find: "if (guard?.judge(slot, entry, ask) === 'dead') return 0",
        replace: '',
      },
    ],
  },
  {
    name: 'joined flight trusts',
    edits: [
      {
        file: 'engine/miss/miss-path.ts',
        find: "if (guard?.judge(slot, entry, ask) === 'dead') return 0",
        replace: '',
      },
    ],
  },
  {
    name: 'own environment is not told',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: "if (answer.result.outcome === 'swapped') return take({ body: swap.body, tag }, answer.sentAt)",
        replace: "if (answer.result.outcome === 'swapped') return",
      },
    ],
  },
  {
    name: 'late tags adopted',
    edits: [
      {
        file: 'data/load.ts',
        find: 'number + LATE_MARGIN < (serverTime ?? 0) ? number : 0',
        replace: 'number + LATE_MARGIN * 0 + (serverTime ?? 0) * 0',
      },
    ],
  },
  {
    name: 'lost answer is done',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: "if (answer.result.outcome === 'swapped') return take",
        replace: "if (answer.result.outcome !== 'conflict') return take",
      },
      { file: 'data/invalidate.ts', find: 'const MAX_REPEATS = 2', replace: 'const MAX_REPEATS = 0' },
    ],
  },
  {
    name: 'delete leaves the lease',
    edits: [
      {
        file: 'record/transitions.ts',
        find: 'const { lease: _lease, failure: _failure, value: _value, ...rest } = record\n  const removed',
        replace: 'const { failure: _failure, value: _value, ...rest } = record\n  const removed',
      },
    ],
  },
  {
    name: 'unbound publish',
    edits: [
      {
        file: 'engine/miss/publish.ts',
        find: 'if (current.record.lease?.nonce !== nonce) {',
        replace: 'if (nonce === "") {',
      },
    ],
  },
  {
    name: 'dead served when the load fails',
    // Two layers here too: without one of them alone, nothing dead is served.
    edits: [
      {
        file: 'engine/miss/publish.ts',
        find: "slot.subject.guard?.judge(slot, entry, flight.ask) === 'dead'",
        replace: 'slot.subject.guard === null',
      },
      {
        file: 'engine/miss/miss-path.ts',
        find: "if (guard?.judge(slot, entry, ask) === 'dead') return 0",
        replace: '',
      },
    ],
  },
  {
    name: 'what is dead is never loaded again',
    edits: [
      {
        file: 'engine/miss/refresh.ts',
        find: "if (decision === 'wait' || left < minLease) {",
        replace: "if (decision === 'wait' || left < minLease || situation.rejected !== undefined) {",
      },
    ],
  },
  {
    name: 'prefix tags are forgotten',
    edits: [
      {
        file: 'data/resource.ts',
        find: '[...new Set([...prefixTags(plain), ...checkTags(',
        replace: '[...new Set([...prefixTags(plain).slice(9), ...checkTags(',
      },
    ],
  },
  {
    name: 'a soft number is ignored',
    edits: [
      {
        file: 'data/judge.ts',
        find: "else if (soft > number && worst === 'good') worst = 'stale'",
        replace: "else if (soft < 0 && worst === 'good') worst = 'stale'",
      },
    ],
  },
  {
    name: 'unchecked without an end',
    edits: [{ file: 'data/verdict.ts', find: 'Math.max(unchecked, 0)', replace: 'unchecked + 600_000' }],
  },
  {
    name: 'the switches restart the numbers',
    edits: [
      {
        file: 'data/invalidate.ts',
        find: '{ ...there, control: printControl(after) }',
        replace: '{ ...there, hard: 0, control: printControl(after) }',
      },
    ],
  },
  {
    name: 'a batch trusts generations however old',
    edits: [
      {
        file: 'data/read-generations.ts',
        find: 'knowledge.checkedAt(tag) > now - home.recheck * EARLY_SHARE',
        replace: 'knowledge.checkedAt(tag) > 0',
      },
      {
        file: 'data/read-generations.ts',
        find: 'const asOf = Math.min(now, ...all.filter(isKnown).map((tag) => knowledge.checkedAt(tag)))',
        replace: 'const asOf = now',
      },
      {
        file: 'data/look.ts',
        find: 'filter((tag) => knowledge.checkedAt(tag) < asOf)',
        replace: 'filter((tag) => knowledge.checkedAt(tag) < 0)',
      },
    ],
  },
  {
    name: 'a batch mixes up what it has loaded',
    edits: [
      {
        file: 'data/load-many.ts',
        find: 'const result: unknown = results[index]',
        replace: 'const result: unknown = results[results.length - 1 - index]',
      },
    ],
  },
  {
    name: 'a batch answers in the order of arrival',
    edits: [
      {
        file: 'data/get-many.ts',
        find: 'results[index] = await get(wanted[index] as P, left).catch(asError)',
        replace: 'const one = await get(list[index] as P, left).catch(asError); results[missing[arrived++] ?? 0] = one',
      },
      {
        file: 'data/get-many.ts',
        find: '  const missing: number[] = []',
        replace: '  const missing: number[] = []; let arrived = 0',
      },
    ],
  },
  {
    name: 'a batch holds what it has won and waits for the rest',
    edits: [
      {
        file: 'data/load-many.ts',
        find: 'if (isWriting() && held < MAX_HOLD && wanted.length < MAX_LIST)',
        replace: 'if (isOpen() && held < 10 * MAX_HOLD)',
      },
    ],
  },
  {
    name: 'the head before its body',
    edits: [
      {
        file: 'data/bodies.ts',
        find: 'const isFar = await writeBody(home, { key, sealed, bytes, usable, resource: source.name })',
        replace:
          'const isFar = false; void writeBody(home, { key, sealed, bytes, usable, resource: source.name }).catch(() => {})',
      },
    ],
  },
  {
    name: 'a body that is not read counts as none',
    edits: [{ file: 'data/verdict.ts', find: "  if (entry.value.unread !== undefined) return 'dead'\n", replace: '' }],
  },
  {
    name: 'a body of another length is taken',
    edits: [
      {
        file: 'data/bodies.ts',
        find: 'return json.length === length ? (JSON.parse(json) as Json) : undefined',
        replace: 'return JSON.parse(json) as Json',
      },
    ],
  },
  {
    name: 'an update takes a body that is not read for absent',
    edits: [
      {
        file: 'data/changes.ts',
        find: '    checkRead(item as Item, found)\n    const before',
        replace: '    void found\n    const before',
      },
    ],
  },
  {
    name: 'a touch leaves the body as it is',
    edits: [
      {
        file: 'data/bodies.ts',
        find: '  const { content: _content, unread: _unread, ...plain } = cached',
        replace:
          "  if (cached.content?.kind === 'body') return cached\n  const { content: _content, unread: _unread, ...plain } = cached",
      },
    ],
  },
  {
    name: 'in a flood, an absence outlives recheck',
    edits: [
      {
        file: 'data/flood.ts',
        find: 'item.lookedAt + Math.min(item.source.none, recheck)',
        replace: 'item.lookedAt + item.source.none + 0 * recheck',
      },
    ],
  },
  {
    name: 'in a flood, an absence outlives an invalidation here',
    edits: [
      {
        file: 'data/flood.ts',
        find: "return judge(plain, absent.under, knowledge).outcome === 'good'",
        replace: 'return judge(plain, absent.under, knowledge).outcome.length > 0',
      },
    ],
  },
  {
    name: 'in a flood, an absence outlives a change here',
    edits: [{ file: 'data/flood.ts', find: ' || absent.changes !== changes', replace: ' || changes < 0' }],
  },
  {
    name: 'a load without the cache is shared by all',
    edits: [
      {
        file: 'data/load-once.ts',
        find: 'direct !== undefined && isShared(home, item, { direct, wish })',
        replace: 'direct !== undefined',
      },
    ],
  },
  {
    name: 'a lower number counts as lost at once',
    edits: [
      {
        file: 'data/look.ts',
        find: '    if (missing.tags.length > 0)\n',
        replace: '    if (missing.tags.some((tag) => knowledge.checkedAt(tag) < item.lookedAt))\n',
      },
    ],
  },
  {
    name: 'a value that is not opened counts as absent',
    edits: [{ file: 'data/look.ts', find: "unread: isSealed ? 'value' : undefined", replace: 'unread: undefined' }],
  },
  {
    name: 'a value waits for a store that gives no answer',
    edits: [
      {
        file: 'engine/miss/publish.ts',
        find: 'if (silent === MAX_SILENT || isTooLate(flight, triedAt))',
        replace: 'if (silent > 2 * MAX_SILENT && isTooLate(flight, triedAt))',
      },
    ],
  },
  {
    name: 'a value is refused to the call that it was loaded for',
    edits: [
      {
        file: 'data/look.ts',
        find: "if (made !== undefined && since !== undefined && made.at >= since + TICK) return 'good'",
        replace: 'void made',
      },
    ],
  },
  {
    name: 'what a call waited for counts as loaded for it',
    edits: [{ file: 'data/look.ts', find: 'made.at >= since + TICK', replace: 'made.at >= since - 500 * TICK' }],
  },
]
