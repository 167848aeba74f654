import type { ControlRequest } from '@warmtoken/core/admin'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from './api.ts'

/** The longest reason, in characters. */
const MAX_REASON = 100
const LENGTHS: readonly (readonly [minutes: number, title: string])[] = [
  [15, '15 minutes'],
  [60, '1 hour'],
  [240, '4 hours'],
  [1_440, '1 day'],
]

/** An action that is to be confirmed. */
export interface Question {
  readonly title: string
  /** What it does to the fleet. */
  readonly consequence: string
  /** The label of the button. */
  readonly verb: string
  readonly isDangerous?: boolean
  /** Whether it needs a length. */
  readonly isTimed?: boolean
  /** What is said afterwards. */
  readonly done: string
  readonly request: (minutes: number) => ControlRequest
}

interface ConfirmProps {
  readonly question: Question
  onAnswer(request: ControlRequest, done: string): Promise<void>
  onCancel(): void
}

/** Asks before anything is changed, and for the reason, which the record keeps. */
export function Confirm({ question, onAnswer, onCancel }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [minutes, setMinutes] = useState(60)
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const { title, consequence, verb, isDangerous, isTimed, done, request } = question

  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      const why = reason.trim()
      await onAnswer({ ...request(minutes), ...(why !== '' && { reason: why }) }, done)
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'It failed for an unknown reason.')
      setBusy(false)
    }
  }

  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="question" onClose={onCancel}>
      <form onSubmit={send}>
        <h2 id="question">{title}</h2>
        <p>{consequence}</p>
        {isTimed && (
          <label>
            For
            <select value={minutes} onChange={({ currentTarget }) => setMinutes(Number(currentTarget.value))}>
              {LENGTHS.map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          <span>
            Reason <span class="quiet">(the record keeps it)</span>
          </span>
          <input
            name="reason"
            maxLength={MAX_REASON}
            autocomplete="off"
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        {problem !== '' && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <p class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class={isDangerous ? 'danger' : 'primary'} disabled={isBusy}>
            {isBusy ? 'Writing …' : verb}
          </button>
        </p>
      </form>
    </dialog>
  )
}
