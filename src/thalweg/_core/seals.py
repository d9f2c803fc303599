"""Plain data that carry a checksum of themselves, so that an accident to them is noticed."""

import json
import zlib
from typing import Any

SEAL = "seal"


def sealed(plain: dict[str, Any]) -> dict[str, Any]:
    """Return plain data with a checksum of themselves, under the key "seal".

    Example:
        >>> sealed({"steps": 12})
        {'steps': 12, 'seal': 3199153004}
    """
    content = {name: value for name, value in plain.items() if name != SEAL}
    return {**content, SEAL: zlib.crc32(json.dumps(content, sort_keys=True).encode())}


def unsealed(plain: Any) -> Any:
    """Return plain data without their seal; what has none is taken as it is.

    Raises:
        ValueError: The seal is that of other data.
    """
    if not isinstance(plain, dict) or SEAL not in plain:
        return plain
    if sealed(plain)[SEAL] != plain[SEAL]:
        raise ValueError("it was altered since it was written")
    return {name: value for name, value in plain.items() if name != SEAL}
