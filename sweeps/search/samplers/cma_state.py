"""The state of CMA-ES in a storage: Optuna keeps it there as a pickle, whose loading runs whatever it names.

It is looked through before Optuna loads it: only what such a state consists of, the optimiser's own classes and NumPy's arrays, may be named.
Source of the format: `optuna.samplers._cmaes.CmaEsSampler._restore_optimizer`.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, Final

from sweeps.errors import SweepError

if TYPE_CHECKING:
    from collections.abc import Mapping

STATE: Final = "cma:optimizer:"
_OPTIMISERS: Final = frozenset({("cmaes._cma", "CMA"), ("cmaes._sepcma", "SepCMA"), ("cmaes._cmawm", "CMAwM")})
_ARRAYS: Final = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("numpy.random._pickle", "__bit_generator_ctor"),
        ("numpy.random._mt19937", "MT19937"),
        ("_codecs", "encode"),  # bytes in pickles of protocol 2
    }
)


class _Looking(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:  # noqa: ANN401 - as pickle has it
        if (module_name, global_name) not in _OPTIMISERS | _ARRAYS:
            raise SweepError(
                f"search: the state of sampler cmaes in this storage names {module_name}.{global_name}, which is no part of such a state. Loading it could run code, "
                "so it is refused: somebody else has written to this storage. `steadysweep report` reads its trials, and a new study can begin with them (`run --from`)."
            )
        return super().find_class(module_name, global_name)


def check_state(memory: Mapping[str, Any]) -> None:
    """Look through what a trial's attributes hold of the optimiser.

    Args:
        memory: attributes that the sampler wrote at a proposal.

    Raises:
        SweepError: it names something else, or is no such state.
    """
    parts = {key: value for key, value in memory.items() if key.startswith(STATE)}
    if not parts:
        return
    try:
        _Looking(io.BytesIO(bytes.fromhex("".join(parts[f"{STATE}{number}"] for number in range(len(parts)))))).load()
    except SweepError:
        raise
    except Exception as error:
        raise SweepError(
            f"search: the state of sampler cmaes in this storage cannot be read ({type(error).__name__}: {error}); it was damaged or changed."
        ) from error
