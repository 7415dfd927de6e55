"""Deleting many tags by a job, and asking how far it is."""

from __future__ import annotations

import time
from typing import Any

from zohocrmsdk.src.com.zoho.crm.api.mass_delete_tags import (
    BodyWrapper,
    GetStatusParam,
    MassDelete,
    MassDeleteTagsOperations,
    Module,
    Tag,
)
from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations

from answers import error, item, items, refused, words
from bench import UNKNOWN, Bench, params
from court import Check
from simulator import Simulator

# How long a job may take: the simulator's default is 1.5 s.
PATIENCE_S = 10.0


def module_id(name: str) -> int:
    """The id of a module, which a submission has to name besides the name."""
    answer = ModulesOperations().get_module_by_api_name(name)
    return answer.get_object().get_modules()[0].get_id()


def submit(module: str, tags: list[str], id: int | None = None) -> Any:
    """`POST settings/tags/actions/mass_delete`."""
    named = Module()
    named.set_api_name(module)
    named.set_id(module_id(module) if id is None else id)
    wanted = []
    for number in tags:
        tag = Tag()
        tag.set_id(int(number))
        wanted.append(tag)
    part = MassDelete()
    part.set_module(named)
    part.set_tags(wanted)
    body = BodyWrapper()
    body.set_mass_delete([part])
    return MassDeleteTagsOperations().mass_delete_tags(body)


def ask(job: str) -> Any:
    """`GET settings/tags/actions/mass_delete?job_id=`."""
    return MassDeleteTagsOperations().get_status(params((GetStatusParam.job_id, job)))


def submitted(check: Check, simulator: Simulator, module: str, tags: list[str]) -> str:
    """Submits a job that has to be taken; its id."""
    answer = submit(module, tags)
    check.same("status", answer.get_status_code(), 202)
    body = answer.get_object()
    check.same("result", item(body), "SuccessResponse SCHEDULED success -")
    check.same("message", body.get_message(), "tags scheduled successfully")
    job = str(body.get_details()["job_id"])
    check.same("job", job, simulator.jobs()[-1]["job_id"])
    return job


def await_end(check: Check, job: str) -> tuple[list[str], Any]:
    """Asks until the job has ended; what it said on the way, and its last words."""
    seen: list[str] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = ask(job)
        check.same("status", answer.get_status_code(), 200)
        (details,) = answer.get_object().get_mass_delete()
        check.same("kind", type(details).__name__, "MassDeleteDetails")
        check.same("job", str(details.get_job_id()), job)
        status = words(details.get_status())
        if seen[-1:] != [status]:
            seen.append(status)
        if status in ("COMPLETED", "FAILED"):
            return seen, details
        time.sleep(0.1)
    raise TimeoutError(f"job {job} said {seen} in {PATIENCE_S} s")


def counts(details: Any) -> tuple[int, int, int]:
    """total, deleted, failed."""
    total, deleted = details.get_total_count(), details.get_deleted_count()
    return total, deleted, details.get_failed_count()


def judge(bench: Bench) -> None:
    """All of it."""
    judge_job(bench)
    judge_refusals(bench)
    judge_status_errors(bench)
    judge_faults(bench)


def judge_job(bench: Bench) -> None:
    """A job from its submission to its end."""
    court, simulator = bench.court, bench.simulator
    ids = simulator.add("Cases", 2)
    first, second, kept = simulator.tag("Cases", ["first", "second", "kept"], *ids)
    with court.check("mass delete tags: scheduled, running, completed") as check:
        job = submitted(check, simulator, "Cases", [first, second])
        seen, details = await_end(check, job)
        # A slow machine may miss a phase, but neither both nor their order.
        in_order = [status for status in ("SCHEDULED", "RUNNING", "COMPLETED") if status in seen]
        check.same("statuses", (seen, len(seen) > 1, seen[-1]), (in_order, True, "COMPLETED"))
        check.same("counts", counts(details), (2, 2, 0))
        check.same("tags", simulator.tags("Cases"), {"kept": kept})
        check.same("carried", simulator.tags_of("Cases", *ids), [["kept"]] * 2)
    with court.check("mass delete tags: while one is open another is ALREADY_SCHEDULED") as check:
        (next_one,) = simulator.tag("Cases", ["next"])
        job = submitted(check, simulator, "Cases", [next_one])
        refused(check, submit("Cases", [kept]), 400, "ALREADY_SCHEDULED")
        await_end(check, job)
        check.same("tags", simulator.tags("Cases"), {"kept": kept})


def judge_refusals(bench: Bench) -> None:
    """Submissions that are refused as a whole, each with the place that is wrong."""
    court, simulator = bench.court, bench.simulator
    good, used = simulator.tag("Solutions", ["good", "used"])
    (other,) = simulator.tag("Calls", ["of another module"])
    simulator.use_tags("Solutions", "used")
    at = "$.mass_delete[0].tags[1].id"
    wrong = {"api_name": "id", "json_path": at}
    many = [str(int(UNKNOWN) + number) for number in range(201)]
    too_many = {"api_name": "tags", "json_path": "$.mass_delete[0].tags", "maximum_length": 200}
    for name, tags, code, details in [
        ("an unknown tag", [good, UNKNOWN], "INVALID_DATA", wrong),
        ("a tag of another module", [good, other], "INVALID_DATA", wrong),
        ("a tag in use", [good, used], "NOT_ALLOWED", wrong),
        ("201 tags", many, "INVALID_DATA", too_many),
    ]:
        with court.check(f"mass delete tags: {name} is {code}") as check:
            refused(check, submit("Solutions", tags), 400, code, details)
    with court.check(
        "mass delete tags: another module's id is AMBIGUITY_DURING_PROCESSING"
    ) as check:
        answer = submit("Solutions", [good], module_id("Calls"))
        refused(check, answer, 400, "AMBIGUITY_DURING_PROCESSING")
        causes = answer.get_object().get_details()["ambiguity_due_to"]
        names = [cause.get_api_name() for cause in causes]
        check.same("causes", sorted(names), ["api_name", "id"])
    with court.check("mass delete tags: refused submissions left every tag") as check:
        check.same("tags", simulator.tags("Solutions"), {"good": good, "used": used})


def judge_status_errors(bench: Bench) -> None:
    """Questions about no job."""
    with bench.court.check("mass delete tags: a status without job_id is refused") as check:
        answer = MassDeleteTagsOperations().get_status()
        refused(check, answer, 400, "REQUIRED_PARAM_MISSING", {"param_name": "job_id"})
    with bench.court.check("mass delete tags: an unknown job is INVALID_DATA") as check:
        judge_forgotten(check, UNKNOWN)


def judge_forgotten(check: Check, job: str) -> None:
    """The answer about a job that there is not."""
    answer = ask(job)
    check.same("status", answer.get_status_code(), 400)
    check.same("results", items(answer), ["StatusResponseWrapper", error("INVALID_DATA")])
    (result,) = answer.get_object().get_mass_delete()
    check.same(
        "details", {key: str(id) for key, id in result.get_details().items()}, {"job_id": job}
    )
    check.same("message", result.get_message(), "job details not found")


def judge_faults(bench: Bench) -> None:
    """Jobs that end otherwise, and submissions whose answer is an error."""
    court, simulator = bench.court, bench.simulator
    name = "mass delete tags under internal-error-applied: an error, but the job runs"
    with court.check(name) as check:
        (tag,) = simulator.tag("Events", ["under way"])
        simulator.plan("internal-error-applied")
        refused(check, submit("Events", [tag]), 500, "INTERNAL_ERROR")
        await_end(check, simulator.jobs()[-1]["job_id"])
        check.same("tags", simulator.tags("Events"), {})
    for fault, status, counted, left in [
        ("job-fails", "FAILED", None, 2),
        ("job-partial", "COMPLETED", (2, 1, 1), 1),
    ]:
        name = f"mass delete tags under {fault}: {status}, {left} of 2 left"
        if court.left_out(name):
            continue
        with court.check(name) as check:
            tags = simulator.tag("Tasks", [f"{fault} 1", f"{fault} 2"])
            before = len(simulator.tags("Tasks"))
            simulator.plan(fault)
            seen, details = await_end(check, submitted(check, simulator, "Tasks", tags))
            check.same("last", seen[-1], status)
            if counted is not None:
                check.same("counts", counts(details), counted)
            check.same("left", len(simulator.tags("Tasks")) - before + 2, left)
    name = "mass delete tags under job-forgotten: an unknown job after its end"
    if court.left_out(name):
        return
    with court.check(name) as check:
        (tag,) = simulator.tag("Tasks", ["forgotten"])
        simulator.plan("job-forgotten")
        job = submitted(check, simulator, "Tasks", [tag])
        deadline = time.monotonic() + PATIENCE_S
        while "forgotten" in simulator.tags("Tasks") and time.monotonic() < deadline:
            time.sleep(0.1)
        judge_forgotten(check, job)
