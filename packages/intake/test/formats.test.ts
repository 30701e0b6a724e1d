import { describe, expect, test } from 'vitest'
import { file, folder, KERNEL, namesOf, take, takeOne, zipped } from './kit.ts'

const told = ({ entries }: Awaited<ReturnType<typeof take>>) =>
  entries.map(({ name, kind, students, submission: { trouble } }) => [
    name,
    kind,
    students,
    trouble?.observed,
  ])

describe('a Moodle export', () => {
  test.each([
    ['as newer versions write it', 'Ann Lee_9_assignsubmission_file/kernel.ts'],
    ['as older versions write it', 'Ann Lee_9_assignsubmission_file_/kernel.ts'],
    ['without folders', 'Ann Lee_9_assignsubmission_file_kernel.ts'],
    ['in a folder of its own', 'OS-Lab 4-77/Ann Lee_9_assignsubmission_file_/kernel.ts'],
  ])('%s', async (_how, path) => {
    const intake = await take(file('m.zip', await zipped({ [path]: KERNEL })))
    expect(told(intake)).toEqual([
      ['Ann Lee_9', 'moodle', [{ name: 'Ann Lee', ids: { moodle: '9' } }], undefined],
    ])
    expect(intake.entries[0]?.submission.files.get('kernel.ts')).toBe(KERNEL)
  })
  test('what was typed into a box is told, and not read', async () => {
    const intake = await take(
      folder({
        'Ann Lee_9_assignsubmission_file_/kernel.ts': KERNEL,
        'Ann Lee_9_assignsubmission_onlinetext_/onlinetext.html': '<p>',
        'Bo Diaz_10_assignsubmission_onlinetext_/onlinetext.html': '<p>',
      }),
    )
    expect(told(intake)).toMatchObject([
      ['Ann Lee_9', 'moodle', [{ name: 'Ann Lee' }], undefined],
      ['Bo Diaz_10', 'moodle', [{ name: 'Bo Diaz' }], 'kernel.ts: not there'],
    ])
    for (const { warnings } of intake.entries)
      expect(warnings).toContain('onlinetext was handed in too; it is not read')
  })
  test('people that are all called Participant have a number and no name', async () => {
    const path = folder({
      'Participant_9_assignsubmission_file_/kernel.ts': KERNEL,
      'Participant_10_assignsubmission_file_/kernel.ts': KERNEL,
    })
    const { entries } = await take(path, {
      roster: file('r.csv', 'Identifier,Status\nParticipant 9,\nParticipant 10,\n'),
    })
    expect(entries.map(({ name, students }) => [name, students])).toEqual([
      ['Participant_10', [{ ids: { moodle: '10' } }]],
      ['Participant_9', [{ ids: { moodle: '9' } }]],
    ])
  })
  test('a group without a number, and folders in a submission', async () => {
    const entry = await takeOne(
      file('m.zip', await zipped({ 'Default group_assignsubmission_file/src/kernel.ts': KERNEL })),
    )
    expect(entry).toMatchObject({ name: 'Default group', students: [{ name: 'Default group', ids: {} }] })
    expect(entry.submission.trouble).toBeUndefined()
  })
})

describe('a Brightspace export', () => {
  const attempts = {
    '101-55 - Ann Lee - Sep 12, 2026 1159 PM/kernel.ts': '// last',
    '101-55 - Ann Lee - Sep 12, 2026 803 AM/kernel.ts': '// first',
    '101-55 - Ann Lee - Sep 12, 2026 1215 PM/kernel.ts': '// noon',
    "102-55 - Jo O'Neil-Smith - 3 October 2026 23.59/kernel.ts": KERNEL,
    'index.html': '<p>',
  }
  test('of several attempts the latest is graded, and the others are counted', async () => {
    const intake = await take(file('b.zip', await zipped(attempts)))
    expect(told(intake)).toMatchObject([
      ['Ann Lee_101-55', 'brightspace', [{ name: 'Ann Lee' }], undefined],
      ["Jo O'Neil-Smith_102-55", 'brightspace', [{ name: "Jo O'Neil-Smith" }], undefined],
    ])
    const [ann] = intake.entries
    expect(ann).toMatchObject({ attempt: 3, earlier: 2 })
    expect(ann?.submission.files.get('kernel.ts')).toBe('// last')
    expect(intake.notes).toEqual([])
  })
  test('all attempts are there if asked for, oldest first', async () => {
    const { entries } = await take(folder(attempts), { latest: false })
    expect(
      entries.slice(0, 3).map(({ attempt, submission }) => [attempt, submission.files.get('kernel.ts')]),
    ).toEqual([
      [1, '// first'],
      [2, '// noon'],
      [3, '// last'],
    ])
  })
  test('without dates that can be read, nobody says which attempt is the latest', async () => {
    const { entries } = await take(
      folder({ '1-2 - Ann Lee - heute 1159/kernel.ts': 'a', '1-2 - Ann Lee - gestern 1159/kernel.ts': 'b' }),
    )
    expect(entries).toHaveLength(2)
    for (const { warnings } of entries)
      expect(warnings.join()).toMatch(/^which attempt is the latest is not known/)
  })
  test('two people of one name are two people, and told', async () => {
    const { entries, notes } = await take(
      folder({
        '1-9 - Ann Lee - Sep 1, 2026 100 PM/kernel.ts': KERNEL,
        '2-9 - Ann Lee - Sep 2, 2026 100 PM/kernel.ts': KERNEL,
      }),
    )
    expect(entries.map(({ name, earlier }) => [name, earlier])).toEqual([
      ['Ann Lee_1-9', 0],
      ['Ann Lee_2-9', 0],
    ])
    expect(notes.map(({ what }) => what)).toEqual([
      'expected one number for Ann Lee, got 2: taken for as many people',
    ])
  })
  test('files without folders', async () => {
    const entry = await takeOne(
      file('b.zip', await zipped({ '1-9 - Ann Lee - Sep 1, 2026 100 PM - kernel.ts': KERNEL })),
    )
    expect(entry).toMatchObject({ name: 'Ann Lee_1-9', kind: 'brightspace' })
    expect(entry.submission.trouble).toBeUndefined()
  })
})

const METADATA = `submission_1:
  :submitters:
  - :name: Ann Lee
    :sid: '00123'
    :email: ann@x.edu
  - :name: Bo Diaz
    :sid: 124
    :email: bo@x.edu
  :created_at: 2026-11-06 07:13:47.644186000 Z
  :score: 1.0
  :results:
    tests:
    - name: "deep: [unclosed"
      output: |-
        whatever a student prints
  :history:
  - :id: 77
    :created_at: 2026-11-05 07:13:47 Z
    :results: {}
  - :id: 78
submission_2:
  submitters:
  - name: Cy Fox
    email: cy@x.edu
  created_at: 2026-11-06 07:13:47 Z
  due_date: 2026-11-05 23:59:00 Z
`
describe('a Gradescope export', () => {
  const files = {
    'assignment_5_export/submission_metadata.yml': METADATA,
    'assignment_5_export/submission_1/kernel.ts': KERNEL,
    'assignment_5_export/submission_2/packages/lab/kernel.ts': KERNEL,
  }
  test('a group is one submission with its people; keys are symbols or not; history is counted', async () => {
    const { entries, notes } = await take(file('g.zip', await zipped(files)))
    expect(entries).toMatchObject([
      {
        name: 'submission_1',
        kind: 'gradescope',
        late: false,
        attempt: 3,
        earlier: 2,
        warnings: [],
        students: [
          { name: 'Ann Lee', email: 'ann@x.edu', ids: { sid: '00123' } },
          { name: 'Bo Diaz', email: 'bo@x.edu', ids: { sid: '124' } },
        ],
      },
      { name: 'submission_2', late: true, attempt: 1, students: [{ name: 'Cy Fox', ids: {} }] },
    ])
    expect(entries.map(({ submission }) => submission.trouble)).toEqual([undefined, undefined])
    expect(notes).toEqual([])
  })
  test('is the same unpacked', async () => {
    const [zip, unpacked] = [await take(file('g.zip', await zipped(files))), await take(folder(files))]
    expect(told(unpacked)).toEqual(told(zip))
  })
  test('who is in the metadata and has no folder has handed in nothing, and is there', async () => {
    const { entries } = await take(
      folder({
        'submission_metadata.yml': METADATA,
        'submission_1/kernel.ts': KERNEL,
        'submission_3/kernel.ts': KERNEL,
      }),
    )
    expect(
      entries.map(({ name, submission, warnings }) => [name, submission.trouble?.hint, warnings]),
    ).toEqual([
      ['submission_1', undefined, []],
      ['submission_2', 'There is nothing. Is this what you meant to hand in?', []],
      ['submission_3', undefined, ['submission_metadata.yml does not tell whose it is']],
    ])
  })
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefg'].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdef'[i]}`)}]`).join('\n')}\n`
  test.each([
    ['a bomb of aliases', bomb, /alias/],
    ['no YAML', 'a: [1', /got Flow sequence/],
    ['something else', '- 1\n- 2\n', /got something else/],
    ['too much of it', `a: ${'x'.repeat(5 << 20)}\n`, /got more than 4194304 characters/],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0xfd), /not valid/],
  ])('metadata that is %s costs names and no submission', async (_what, metadata, message) => {
    const { entries, notes } = await take(
      folder({ 'submission_metadata.yml': metadata, 'submission_1/kernel.ts': KERNEL }),
    )
    expect(entries.find(({ name }) => name === 'submission_1')).toMatchObject({ students: [] })
    expect(notes.map(({ what }) => what).join()).toMatch(message)
  })
  test('a record that is wrong costs its own names only', async () => {
    const { entries, notes } = await take(
      folder({
        'submission_metadata.yml': `${METADATA}submission_3:\n  :submitters: nobody\n`,
        'submission_1/kernel.ts': KERNEL,
        'submission_3/kernel.ts': KERNEL,
      }),
    )
    expect(entries.map(({ students }) => students.length)).toEqual([2, 1, 0])
    expect(notes.map(({ what }) => what)).toEqual([
      'submission_metadata.yml: expected submitters, got none of submission_3',
    ])
  })
})

describe('clones of a class', () => {
  const clones = {
    'os-lab4-ann-lee/kernel.ts': KERNEL,
    'os-lab4-ann-lee/.git/HEAD': 'ref',
    'os-lab4-bo/work/kernel.ts': KERNEL,
    'os-lab4-bo/.git/HEAD': 'ref',
  }
  test('belong to the logins that their names end with', async () => {
    const { entries } = await take(folder(clones))
    expect(entries.map(({ name, kind, students }) => [name, kind, students])).toEqual([
      ['os-lab4-ann-lee', 'classroom50', [{ ids: { github: 'ann-lee' } }]],
      ['os-lab4-bo', 'classroom50', [{ ids: { github: 'bo' } }]],
    ])
  })
  test('scores.csv tells logins and who is late', async () => {
    const scores = 'username,first_name,late\nann-lee,Ann,true\nx-bo,Bo,false\n'
    const { entries } = await take(
      file(
        'c.zip',
        await zipped({
          'dl/scores.csv': scores,
          'dl/l-ann-lee/kernel.ts': KERNEL,
          'dl/l-x-bo/kernel.ts': KERNEL,
        }),
      ),
    )
    expect(entries.map(({ students, late }) => [students[0]?.ids.github, late])).toEqual([
      ['ann-lee', true],
      ['x-bo', false],
    ])
  })
  test('the roster tells logins', async () => {
    const roster = file('roster.csv', 'name,GitHub username\nAnn Lee,lee\nBo,Bo-D\n')
    const intake = await take(folder({ 'hw-ann-lee/kernel.ts': KERNEL, 'hw-bo-d/kernel.ts': KERNEL }), {
      roster,
    })
    expect(intake.entries.map(({ kind, students }) => [kind, students[0]?.name])).toEqual([
      ['classroom50', 'Ann Lee'],
      ['classroom50', 'Bo'],
    ])
    expect(intake.missing).toEqual([])
  })
  test('of several submit tags the latest is graded', async () => {
    const { entries } = await take(
      folder({
        ...clones,
        'os-lab4-bo/submit/2026-09-02T10-00-00Z-abc1234/kernel.ts': '// second',
        'os-lab4-bo/submit/2026-09-01T10-00-00Z-fff1234/kernel.ts': '// first',
      }),
    )
    expect(entries[1]).toMatchObject({ attempt: 2, earlier: 1 })
    expect(entries[1]?.submission.files.get('kernel.ts')).toBe('// second')
  })
  test('one clone alone is a submission like any', async () => {
    const path = folder({ 'kernel.ts': KERNEL, '.git/HEAD': 'ref' })
    expect(await takeOne(path)).toMatchObject({ kind: 'folder', students: [] })
    const zip = file('ann.zip', await zipped({ 'repo/kernel.ts': KERNEL, 'repo/.git/HEAD': 'ref' }))
    expect(namesOf(await take(zip))).toEqual(['ann'])
  })
})

test.each<readonly [string, Readonly<Record<string, string>>]>([
  ['Canvas', { 'lee_1_7_kernel.ts': 'a', 'lee_1_8_kernel-1.ts': 'b', 'bo_LATE_2_9_kernel.ts': 'c' }],
  [
    'Moodle',
    { 'Lee_1_assignsubmission_file_/kernel.ts': 'a', 'Bo_2_assignsubmission_file_/x/kernel.ts': 'b' },
  ],
  [
    'Brightspace',
    { '1-2 - Lee - Sep 1, 2026 100 PM/kernel.ts': 'a', '1-2 - Lee - Aug 1, 2026 100 PM/kernel.ts': 'b' },
  ],
  [
    'Gradescope',
    { 'submission_metadata.yml': METADATA, 'submission_2/kernel.ts': 'a', 'submission_1/kernel.ts': 'b' },
  ],
  [
    'GitHub',
    { 'hw-lee/kernel.ts': 'a', 'hw-lee/.git/HEAD': '', 'hw-bo/kernel.ts': 'b', 'hw-bo/old/kernel.ts': 'c' },
  ],
])('the order of files in an export of %s changes nothing', async (_system, files) => {
  const turned = Object.fromEntries(Object.entries(files).reverse())
  const [one, other] = [
    await take(file('x.zip', await zipped(files))),
    await take(file('x.zip', await zipped(turned))),
  ]
  const whole = ({ entries, notes }: typeof one) => [
    entries.map(({ source, ...entry }) => entry),
    notes.map(({ what }) => what),
  ]
  expect(whole(other)).toEqual(whole(one))
  expect(one.entries[0]?.submission.trouble).toBeUndefined()
})
