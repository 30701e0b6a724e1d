"""Grades the submission in the current folder with Pagewalk. Needs no network."""

import json
import subprocess
import sys
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
COMMAND = ["node","{here}/pagewalk/bin/pagewalk.mjs","grade",".","--format","classroom50"]
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
