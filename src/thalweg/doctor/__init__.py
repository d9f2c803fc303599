"""The doctor: names the cause when training fails, in any PyTorch loop; silent when it does not."""

from thalweg.doctor._diagnose import diagnose
from thalweg.doctor._faults import FAULTS, Fault
from thalweg.doctor._finding import Diagnosis, Finding, Remedy
from thalweg.doctor._preflight import preflight
from thalweg.doctor._script import diagnose_script
from thalweg.doctor._watch import Watch, watch
from thalweg.doctor.record import Record

__all__ = [
    "FAULTS",
    "Diagnosis",
    "Fault",
    "Finding",
    "Record",
    "Remedy",
    "Watch",
    "diagnose",
    "diagnose_script",
    "preflight",
    "watch",
]
