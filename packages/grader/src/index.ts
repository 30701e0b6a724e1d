// The face of the grader. It knows no lab: it is handed one.

export { type Bundle, type Bundled, bundle, isCode, libraryOf, type Trouble } from './bundle.ts'
export { Capsule, DEFAULT_LIMITS, type Ending, type Limits, type Played } from './capsule.ts'
export { type Change, diffSnapshots } from './diff.ts'
export { type Edit, edited } from './edits.ts'
export { type Grade, type GradeOptions, grade, gradeAll, PUBLIC_SEED, withVerdict } from './grade.ts'
export type { Frame } from './harness.ts'
export { type Around, reportHtml } from './html.ts'
export { BASE_STYLE } from './html-style.ts'
export { type ImportSite, importsOf } from './imports.ts'
export {
  layersOf,
  mustReach,
  probed,
  type Sandbox,
  sandboxOf,
  strongest,
  type Tried,
  tryLayers,
} from './isolation.ts'
export { packed } from './kept.ts'
export {
  type Action,
  type BootHost,
  type Check,
  type Evidence,
  type Failure,
  type Finding,
  fail,
  type Lab,
  type LabSources,
  type Live,
  type Note,
  type Priced,
  pass,
  type Rubric,
  type RubricStep,
  type Run,
  type Scenario,
  type Shows,
  type Starter,
} from './lab.ts'
export { isolationWords, LEVELS, type Level, reaches } from './levels.ts'
export {
  FILE_LIMIT,
  findSubmissions,
  firstFiles,
  type Handed,
  type HandedIn,
  SUBMISSION_LIMIT,
  type Submission,
  sampleSubmissions,
  submissionOf,
  UsageError,
  unusable,
} from './load.ts'
export { Html, html, NOTHING, type Part, pageHtml } from './markup.ts'
export type { Picture } from './pictures.ts'
export {
  awaitWords,
  inParts,
  pointsWord,
  resultSums,
  rounded,
  stepSums,
  totalWords,
} from './points.ts'
export { type Reading, type Readings, readChecks, readReadings, unknownNames } from './readers.ts'
export {
  plain,
  reasonParts,
  reportGrade,
  reportReasons,
  reportTable,
  type Style,
  stopWords,
} from './report.ts'
export {
  RESULT_SCHEMA,
  type Result,
  type ResultCheck,
  type ResultStep,
  resultSchema,
  type Verdict,
} from './result.ts'
export { upToStep } from './score.ts'
export { capsuleScripts, probeScript } from './scripts.ts'
export {
  type Boot,
  openSession,
  type PlayedRun,
  playOnce,
  type Session,
  SubmissionError,
  type WatchedFrame,
} from './session.ts'
export {
  parseSnapshot,
  SNAPSHOT_SCHEMA,
  type Snapshot,
  type SnapshotCpu,
  type SnapshotEntry,
  type SnapshotPhysicalRange,
  type SnapshotRange,
  type SnapshotRegion,
  type SnapshotSpace,
  type SnapshotTable,
  type SnapshotThread,
  type SnapshotTlbEntry,
  serialiseSnapshot,
  snapshotSchema,
} from './snapshot.ts'
export {
  hex,
  mappedRanges,
  type PageOwner,
  physicalRanges,
  type RegionToSurvey,
  type SpaceToSurvey,
  type Survey,
  survey,
} from './survey.ts'
export { type TreeEntry, type TreeTable, treeOf } from './table-tree.ts'
export { tryRealm } from './try-realm.ts'
export { BUILT_IN, LOADS } from './verdict.ts'
export { machineVersion, rubricVersion } from './version.ts'
