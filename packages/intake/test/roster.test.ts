import { describe, expect, test } from 'vitest'
import { file, folder, KERNEL, take, zipped } from './kit.ts'

const classOf = (...names: string[]): string =>
  folder(Object.fromEntries(names.map((name) => [`${name}/kernel.ts`, KERNEL])))
const roster = (text: string | Uint8Array): string => file('roster.csv', text)
const whoIs = async (path: string, csv: string | Uint8Array) => {
  const { entries, missing, notes } = await take(path, { roster: roster(csv) })
  return {
    entries: entries.map(({ name, students }) => [name, students.map((student) => student.name)]),
    missing: missing.map(({ name }) => name),
    notes: notes.map(({ what }) => what.replace(/roster \S*roster\.csv/, 'roster')),
  }
}

describe('a roster', () => {
  test('tells who a folder is by login, number, address or name; who has none is missing', async () => {
    const csv =
      'Name,Email,Student ID,SIS Login ID,GitHub\nAnn Lee,ann@x.edu,1,alee,\nBo Diaz,bo@x.edu,2,bdiaz,\nCy Fox,cy@x.edu,3,cfox,\nDee Orr,dee@x.edu,4,dorr,\nEli Poe,eli@x.edu,5,epoe,\n'
    expect(await whoIs(classOf('alee', '2', 'cy@x.edu', 'dee  ORR', 'stranger'), csv)).toEqual({
      entries: [
        ['2', ['Bo Diaz']],
        ['alee', ['Ann Lee']],
        ['cy@x.edu', ['Cy Fox']],
        ['dee ORR', ['Dee Orr']],
        ['stranger', []],
      ],
      missing: ['Eli Poe'],
      notes: ['expected somebody on the roster, got stranger'],
    })
  })
  test('a name that is two people’s is nobody’s, and told', async () => {
    expect(await whoIs(classOf('Ann Lee'), 'name,email\nAnn Lee,a1@x.edu\nAnn Lee,a2@x.edu\n')).toEqual({
      entries: [['Ann Lee', []]],
      missing: ['Ann Lee', 'Ann Lee'],
      notes: ['expected one person on the roster, got 2 who may be Ann Lee: lines 2, 3'],
    })
  })
  test('ids outrank addresses, and addresses names', async () => {
    const metadata = `submission_1:
  :submitters:
  - {:name: Ann Lee, :sid: '2', :email: ann@x.edu}
submission_2:
  :submitters:
  - {:name: Ann Lee, :sid: '99', :email: ann@x.edu}
`
    const path = folder({
      'submission_metadata.yml': metadata,
      'submission_1/kernel.ts': KERNEL,
      'submission_2/kernel.ts': KERNEL,
    })
    const told = await whoIs(
      path,
      'name,sid,email\nBy Id,2,x@x.edu\nBy Email,3,ANN@X.edu\nAnn Lee,4,y@x.edu\n',
    )
    expect(told.entries).toEqual([
      ['submission_1', ['By Id']],
      ['submission_2', ['By Email']],
    ])
    expect(told.missing).toEqual(['Ann Lee'])
  })
  test('a Canvas gradebook is one: its empty rows are nobody, and its names and ids fit the export', async () => {
    const csv =
      '\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Lab 4 (77)\n    Points Possible,,,,,10\n"Lee, Ann",101,s1,alee,A,\n"Diaz, Bo",102,s2,bdiaz,B,\n"Student, Test",103,,,A,\n'
    const path = file(
      's.zip',
      await zipped({ 'leeann_101_9_kernel.ts': KERNEL, 'zz_555_9_kernel.ts': KERNEL }),
    )
    const { entries, missing, notes } = await take(path, { roster: roster(csv) })
    expect(entries[0]?.students).toEqual([
      { name: 'Ann Lee', section: 'A', ids: { canvas: '101', sid: 's1', sisLogin: 'alee' } },
    ])
    expect(missing).toEqual([
      { name: 'Bo Diaz', section: 'B', ids: { canvas: '102', sid: 's2', sisLogin: 'bdiaz' } },
    ])
    expect(notes.map(({ what }) => what.replace(/\/\S+/, 'PATH'))).toEqual([
      'expected somebody on the roster PATH got zz, 555',
    ])
    expect(entries[1]?.students).toEqual([{ name: 'zz', ids: { canvas: '555' } }])
  })
  test('without the gradebook’s ids Canvas’s way to write a name is known', async () => {
    const path = file('s.zip', await zipped({ 'oneilsmithjo_101_9_kernel.ts': KERNEL }))
    expect((await whoIs(path, "first,last\nJo,O'Neil-Smith\n")).entries).toEqual([
      ['oneilsmithjo_101', ["Jo O'Neil-Smith"]],
    ])
  })
  test('a Moodle worksheet is one', async () => {
    const path = folder({ 'Ann Lee_9_assignsubmission_file_/kernel.ts': KERNEL })
    const csv =
      'Identifier,Full name,Email address,Status\nParticipant 9,Ann Lee,ann@x.edu,Submitted\nParticipant 10,Bo,bo@x.edu,\n'
    expect(await whoIs(path, csv)).toEqual({
      entries: [['Ann Lee_9', ['Ann Lee']]],
      missing: ['Bo'],
      notes: [],
    })
  })
  test('a Brightspace class list is one', async () => {
    const path = folder({ '1-2 - Ann Lee - Sep 1, 2026 100 PM/kernel.ts': KERNEL })
    const { entries } = await take(path, {
      roster: roster('OrgDefinedId,Username,Last Name,First Name\n#700,#alee,Lee,Ann\n'),
    })
    expect(entries[0]?.students).toEqual([{ name: 'Ann Lee', ids: { brightspace: '700', sisLogin: 'alee' } }])
  })
  test('a Classroom 50 roster is one: its usernames are GitHub’s; who teaches is no student', async () => {
    const csv =
      'username,first_name,last_name,email,section,github_id,role\nann-l,Ann,Lee,,A,5,student\nprof,P,Rof,,A,6,teacher\n'
    expect(await whoIs(classOf('cs-lab-ann-l', 'cs-lab-prof'), csv)).toMatchObject({
      entries: [
        ['cs-lab-ann-l', ['Ann Lee']],
        ['cs-lab-prof', [undefined]],
      ],
      missing: [],
    })
  })
  test('a person who is there twice is there once, and told', async () => {
    const told = await whoIs(classOf('x'), 'name,email\nAnn,a@x.edu\nBo,b@x.edu\nAnn L,A@x.edu\n')
    expect(told.missing).toEqual(['Ann', 'Bo'])
    expect(told.notes).toContain('line 4: left out, because line 2 has the same email a@x.edu')
  })
  test('a person with two submissions has both, and is told', async () => {
    const told = await whoIs(classOf('ann', 'a@x.edu'), 'login,email\nann,a@x.edu\n')
    expect(told.notes).toEqual(['line 2 has 2 submissions: a@x.edu, ann'])
  })
  test.each([
    ['semicolons', 'Name;E-Mail\nAnn;ann@x.edu\n'],
    ['tabs', 'Name\tEmail\r\nAnn\tann@x.edu\r\n'],
    ['UTF-16', Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('Name,Email\nAnn,ann@x.edu\n', 'utf16le')])],
  ])('with %s is read', async (_what, csv) => {
    expect((await whoIs(classOf('ann@x.edu'), csv)).entries).toEqual([['ann@x.edu', ['Ann']]])
  })
  test('as a spreadsheet on Windows writes it is read', async () => {
    expect((await whoIs(classOf('Jö'), Buffer.from('Name\nJ\xf6\n', 'latin1'))).entries).toEqual([
      ['Jö', ['Jö']],
    ])
  })
  test('a row with control characters is left out, and told', async () => {
    const told = await whoIs(classOf('x'), 'name,sid\nAnn,1\nBo\x1b[2J,2\n')
    expect(told.missing).toEqual(['Ann'])
    expect(told.notes).toContain('line 3: expected one person, got control characters')
  })
  test.each([
    [
      'no column that tells who',
      'Section,Grade\nA,1\n',
      /expected a header with name, email or an id, got Section, Grade$/,
    ],
    ['nothing', '', /expected a CSV file with a header, got nothing in it$/],
    ['a quote that never ends', 'name\n"Ann\n', /expected a CSV file, got Quote Not Closed/],
    ['a cell without end', `name\n${'x'.repeat(70_000)}\n`, /expected a CSV file, got Max Record Size/],
  ])('with %s is refused', async (_what, csv, message) => {
    await expect(take(classOf('x'), { roster: roster(csv) })).rejects.toThrow(message)
  })
  test('that is not there is refused', async () => {
    await expect(take(classOf('x'), { roster: 'none.csv' })).rejects.toThrow(
      /^none\.csv: expected a roster in CSV, got ENOENT/,
    )
  })
})
