import { expect, test } from 'vitest'
import {
  INIT_LIST_HEAD,
  ListHead,
  listAdd,
  listAddTail,
  listDel,
  listDelInit,
  listEmpty,
  listForEach,
  listForEachEntry,
  listMove,
  listMoveTail,
} from '../lib/list.ts'

const nodes = (...entries: string[]): ListHead<string>[] => entries.map((entry) => new ListHead(entry))
const inOrder = (head: ListHead<string>): string => [...listForEachEntry(head)].join('')
const backwards = (head: ListHead<string>): string => {
  let text = ''
  for (let node = head.prev; node !== head; node = node.prev) text += node.entry
  return text
}

test('a new head is an empty list', () => {
  const head = new ListHead<string>()
  expect(listEmpty(head)).toBe(true)
  expect(inOrder(head)).toBe('')
})
test('listAdd puts a node first, listAddTail last', () => {
  const head = new ListHead<string>()
  const [a, b, c] = nodes('a', 'b', 'c')
  listAdd(a!, head)
  listAdd(b!, head)
  listAddTail(c!, head)
  expect(inOrder(head)).toBe('bac')
  expect(backwards(head)).toBe('cab')
  expect(listEmpty(head)).toBe(false)
})
test('listDel takes the first, a middle and the last node out', () => {
  const head = new ListHead<string>()
  const all = nodes('a', 'b', 'c', 'd')
  for (const node of all) listAddTail(node, head)
  listDel(all[1]!)
  expect(inOrder(head)).toBe('acd')
  listDel(all[3]!)
  listDel(all[0]!)
  expect(inOrder(head)).toBe('c')
  expect(backwards(head)).toBe('c')
  listDelInit(all[2]!)
  expect(listEmpty(head)).toBe(true)
  expect(listEmpty(all[2]!)).toBe(true)
})
test('listMove and listMoveTail take a node from one list to another', () => {
  const [one, two] = [new ListHead<string>(), new ListHead<string>()]
  const [a, b, c] = nodes('a', 'b', 'c')
  for (const node of [a!, b!]) listAddTail(node, one)
  listAddTail(c!, two)
  listMove(a!, two)
  listMoveTail(b!, two)
  expect(inOrder(one)).toBe('')
  expect(inOrder(two)).toBe('acb')
})
test('the current entry may be taken out while going through', () => {
  const head = new ListHead<string>()
  const all = new Map(nodes('a', 'b', 'c').map((node) => [node.entry, node]))
  for (const node of all.values()) listAddTail(node, head)
  const seen: string[] = []
  listForEach(head, (entry) => {
    seen.push(entry)
    listDel(all.get(entry)!)
  })
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(listEmpty(head)).toBe(true)
  INIT_LIST_HEAD(head)
  expect(inOrder(head)).toBe('')
})
