"""Policies of `checkpoint`: (operation, *types, **params) -> whether its results are saved."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import Any


def everything_saveable(*_: Any, **__: Any) -> bool:
    """Save all, as without `checkpoint`."""
    return True


def nothing_saveable(*_: Any, **__: Any) -> bool:
    """Compute all again. So does the policy None."""
    return False


@dataclasses.dataclass(frozen=True)
class DotsSaveable:
    """Save what is expensive to compute: products of matrices, and convolutions."""

    only_if_no_batch_dims: bool

    def __call__(self, prim: Any, *_: Any, **params: Any) -> bool:
        if self.only_if_no_batch_dims:  # products with weights: they do not grow with the batch
            return prim.name == "dot_general" and params["dimension_numbers"][1] == ((), ())
        return prim.name in ("dot_general", "conv_general_dilated")


@dataclasses.dataclass(frozen=True)
class SaveOnlyTheseNames:
    """Save what `checkpoint_name` gives one of these names."""

    saveable_names: frozenset[str]

    def __call__(self, prim: Any, *_: Any, **params: Any) -> bool:
        return prim.name == "name" and params["name"] in self.saveable_names


@dataclasses.dataclass(frozen=True)
class SaveAnyNamesButThese:
    """Save what `checkpoint_name` gives another name than these."""

    names: frozenset[str]

    def __call__(self, prim: Any, *_: Any, **params: Any) -> bool:
        return prim.name == "name" and params["name"] not in self.names


def save_only_these_names(*names_which_can_be_saved: str) -> Callable:
    return SaveOnlyTheseNames(frozenset(names_which_can_be_saved))


def save_any_names_but_these(*names_not_to_save: str) -> Callable:
    return SaveAnyNamesButThese(frozenset(names_not_to_save))


def save_anything_except_these_names(*names_not_to_save: str) -> Callable:
    """Save all but what has one of these names: of no use, for what is named is saved unnamed."""
    return everything_saveable


@dataclasses.dataclass(frozen=True)
class SaveFromBothPolicies:
    """Save what one of two policies saves."""

    policy_1: Callable
    policy_2: Callable

    def __call__(self, prim: Any, *avals: Any, **params: Any) -> bool:
        both = [policy(prim, *avals, **params) for policy in (self.policy_1, self.policy_2)]
        if not all(isinstance(saved, bool) for saved in both):
            raise ValueError(f"The policies of save_from_both_policies must return a bool: got "
                             f"{both[0]} and {both[1]} for {prim}.")
        return any(both)


def save_from_both_policies(policy_1: Callable, policy_2: Callable) -> Callable:
    return SaveFromBothPolicies(policy_1, policy_2)


checkpoint_policies = types.SimpleNamespace(
    everything_saveable=everything_saveable,
    nothing_saveable=nothing_saveable,
    dots_saveable=DotsSaveable(False),
    checkpoint_dots=DotsSaveable(False),
    dots_with_no_batch_dims_saveable=DotsSaveable(True),
    checkpoint_dots_with_no_batch_dims=DotsSaveable(True),
    save_anything_except_these_names=save_anything_except_these_names,
    save_any_names_but_these=save_any_names_but_these,
    save_only_these_names=save_only_these_names,
    save_from_both_policies=save_from_both_policies)
