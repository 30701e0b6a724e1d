// autograder.py, which Classroom 50 runs in the student's checkout.
// Source: Classroom 50 wiki, Advanced Autograding, "Contract".

import { UsageError } from '@pagewalk/grader'

/**
 * The text of an autograder.py that runs a command which prints result.json. It fetches nothing.
 *
 * What the student has handed in under the name result.json is removed first. If the command fails, or prints no score, the shim exits with 1: to the
 * runner that is an infrastructure error, and no grade.
 * @param command  program and arguments, no shell; `{here}` in them is the folder of autograder.py, whatever lies in it is beside it
 * @throws UsageError if there is no program
 */
export function classroom50Shim(command: readonly string[]): string {
  if (!command[0]) throw new UsageError('classroom50 shim: expected a program to run, got nothing')
  return `"""Grades the submission in the current folder with Pagewalk. Needs no network."""

import json
import subprocess
import sys
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
COMMAND = ${JSON.stringify(command)}
RESULT = Path("result.json")

RESULT.unlink(missing_ok=True)  # whatever the student has put there
run = subprocess.run([part.replace("{here}", HERE) for part in COMMAND], stdout=subprocess.PIPE)
try:
    graded = isinstance(json.loads(run.stdout).get("score"), int)
except (ValueError, AttributeError):
    graded = False
if run.returncode != 0 or not graded:
    print("::error::Pagewalk could not grade this submission, through no fault of the student's.")
    sys.exit(1)  # an infrastructure error, not a zero
RESULT.write_bytes(run.stdout)
`
}
