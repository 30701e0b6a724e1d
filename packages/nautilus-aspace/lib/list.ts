// Doubly linked lists that go round through a head. Handout: list.h.
//
// In C the node is a member of the structure and list_entry() finds the structure; here the node knows its `entry`.

/** `struct list_head`: a head (without entry) or the node of an entry. A new one is an empty list. */
export class ListHead<T> {
  next: ListHead<T> = this
  prev: ListHead<T> = this
  readonly entry: T | undefined

  /** @param entry  what this is the node of; none for a head */
  constructor(entry?: T) {
    this.entry = entry
  }
}

/** `INIT_LIST_HEAD(head)`: `head` is an empty list, or a node in no list. */
export function INIT_LIST_HEAD<T>(head: ListHead<T>): void {
  head.next = head
  head.prev = head
}
function link<T>(node: ListHead<T>, prev: ListHead<T>, next: ListHead<T>): void {
  next.prev = node
  node.next = next
  node.prev = prev
  prev.next = node
}
function unlink<T>(node: ListHead<T>): void {
  node.next.prev = node.prev
  node.prev.next = node.next
}
/** `list_add(new, head)`: put a node behind `head`, so it comes first. */
export function listAdd<T>(node: ListHead<T>, head: ListHead<T>): void {
  link(node, head, head.next)
}
/** `list_add_tail(new, head)`: put a node before `head`, so it comes last. */
export function listAddTail<T>(node: ListHead<T>, head: ListHead<T>): void {
  link(node, head.prev, head)
}
/** `list_del(entry)`: take a node out of its list. Does not make it an empty list: listDelInit does. */
export function listDel<T>(node: ListHead<T>): void {
  unlink(node)
}
/** `list_del_init(entry)`: take a node out of its list; it is an empty list then. */
export function listDelInit<T>(node: ListHead<T>): void {
  unlink(node)
  INIT_LIST_HEAD(node)
}
/** `list_move(list, head)`: from its list to the front of another. */
export function listMove<T>(node: ListHead<T>, head: ListHead<T>): void {
  unlink(node)
  listAdd(node, head)
}
/** `list_move_tail(list, head)`: from its list to the end of another. */
export function listMoveTail<T>(node: ListHead<T>, head: ListHead<T>): void {
  unlink(node)
  listAddTail(node, head)
}
/** `list_empty(head)` */
export function listEmpty<T>(head: ListHead<T>): boolean {
  return head.next === head
}
/** `list_for_each_entry_safe(pos, n, head, member)`: the entries in order; the current one may be taken out. */
export function* listForEachEntry<T>(head: ListHead<T>): Generator<T, void, undefined> {
  for (let node = head.next; node !== head; ) {
    const { next } = node
    if (node.entry !== undefined) yield node.entry
    node = next
  }
}
/** `list_for_each_safe(pos, n, head)`: call `fn` for each entry in order; it may take the current one out. */
export function listForEach<T>(head: ListHead<T>, fn: (entry: T) => void): void {
  for (const entry of listForEachEntry(head)) fn(entry)
}
