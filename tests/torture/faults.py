"""Injected errors and kill points: every scenario fails, or is killed, at each of its system calls."""

import json
import random
import re

import strace
from lab import EXIT_CODES, Home, Report
from scenarios import Refresh, all_scenarios
from server import Server

# The most trials for one kind of call in one scenario: a path is looked at component by component, in the same way.
MOST_ERRORS, MOST_KILLS = 40, 30

JOB = re.compile(r'"__refresh", ("(?:[^"\\]|\\.)*")\]')


def learn_job(lab):
    """What the refreshing process is started with, from a good run; with HOME and ORIGIN for these."""
    scenario = Refresh("token")
    with Server() as server, Home(lab) as home:
        scenario.prepare(home, server)
        scenario.go(home, server, through=strace.watching(["execve"], strace.log_of(home), text=10_000))
        with open(strace.log_of(home)) as log:
            found = JOB.search(log.read())
        if not found:
            return None
        job = json.loads(found.group(1)[1:-1].replace('\\"', '"'))
        return json.dumps(job).replace(home.home, "HOME").replace(server.origin, "ORIGIN")


def learn_calls(lab, scenario):
    """The calls of a good run."""
    with Server() as server, Home(lab) as home:
        scenario.prepare(home, server)
        result = scenario.go(home, server, through=strace.watching(strace.KINDS, strace.log_of(home)))
        report = Report("plan")
        scenario.judge(report, scenario.name, home, server, result)
        if result.code != 0 or report.problems:
            raise RuntimeError(
                f"{scenario.name} fails without a fault: {result.code} {result.said()} {report.problems}"
            )
        return sorted(strace.calls(strace.log_of(home)))


def plan(lab, kind, seed, scale):
    """The cases: a scenario, what is injected, and the job of the refreshing process."""
    job = learn_job(lab)
    make, most = (strace.plan_errors, MOST_ERRORS) if kind == "errors" else (strace.plan_kills, MOST_KILLS)
    cases = []
    for scenario in all_scenarios(job):
        by_name = {}
        for injection in make(learn_calls(lab, scenario)):
            by_name.setdefault(injection.split(":")[0], []).append(injection)
        for name, injections in sorted(by_name.items()):
            chosen = random.Random(f"{seed}/{kind}/{scenario.name}/{name}")
            count = min(len(injections), max(1, round(most * scale)))
            cases += [(kind, scenario.name, injection, job) for injection in chosen.sample(injections, count)]
    return cases


def run(case, lab):
    kind, name, injection, job = case
    report = Report(kind)
    scenario = next(one for one in all_scenarios(job) if one.name == name)
    with Server() as server, Home(lab) as home:
        scenario.prepare(home, server)
        through = strace.watching([injection.split(":")[0]], strace.log_of(home), injection)
        result = scenario.go(home, server, through=through)
        if not strace.reached(strace.log_of(home)):
            return report
        report.tried = 1
        server.settle()
        what = f"{name}, {injection}"
        # `strace` ends as its child did: 137 stands for a kill where the child was not the first process.
        codes = EXIT_CODES | ({-9, 137} if kind == "kills" else set())
        report.judge(result, what, codes, secrets_on_stdout=scenario.secrets)
        scenario.judge(report, what, home, server, result)
    return report
