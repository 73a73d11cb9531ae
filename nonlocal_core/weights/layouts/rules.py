"""Rules of a layout, which map the names of a published file to the names of our networks.

A layout renames tensors, and lists those to drop and those stored twice. It knows no shapes and no settings. Exactly
one rule must claim every key, so that no tensor is lost or taken by accident.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from nonlocal_core.weights.wrappers import COUNTS

TABLE = "(?P<table>weight|bias|running_mean|running_var)"
"""Pattern of the last part of a parameter's name in PyTorch."""

HEAD = "head."
"""Beginning of our names of a classifier's tensors."""

Words = Mapping[str, Mapping[str, str]]
"""Translation of the source's words, by group of the pattern."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern for whole names, and the new name with the pattern's groups filled in.

    A ``+`` in the new name splits one stored tensor into two along its second axis.

    >>> rule = Rule(r"layer(?P<stage>[1-4])[.](?P<rest>.+)", "res{stage}.{rest}", {"stage": {"1": "2"}})
    >>> rule.rename("layer1.0.conv1.weight")
    'res2.0.conv1.weight'
    """

    pattern: str
    becomes: str
    words: Words = field(default_factory=dict)

    def rename(self, name: str) -> str | None:
        """Return the new name, or None if the pattern does not match."""
        match = _compiled(self.pattern).fullmatch(name)
        if match is None:
            return None
        return self.becomes.format(
            **{group: self.words.get(group, {}).get(word, word) for group, word in match.groupdict().items()}
        )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a compiled pattern, kept from its first use: ``re`` takes as long to find it again as to match it."""
    return re.compile(pattern)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Names of tensors in the files of one source.

    ``dropped``: patterns of keys that no forward pass uses, like the shares of classes in a loss. ``duplicates``: rules
    from the second name of a tensor to its first. ``classifier``: pattern of keys that belong to a classifier, of a
    known kind or not.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    dropped: tuple[str, ...] = (r".*num_batches_tracked", r"(?:criterion|loss(?:_fn|_func)?)[.].+", *COUNTS)
    duplicates: tuple[Rule, ...] = ()
    classifier: str = r"(?:head|cls_head|roi_head|fc|new_fc|classifier|projection)[.].+|pred_[wb]"

    def our_name(self, name: str) -> str | None:
        """Return our name of a tensor, or None if no rule claims it."""
        claimed = [renamed for rule in self.rules if (renamed := rule.rename(name)) is not None]
        assert len(claimed) <= 1, f"{name} is claimed by two rules of {self.name}: {claimed}"
        return claimed[0] if claimed else None

    def first_name(self, name: str) -> str | None:
        """Return the other name of a tensor that is stored twice, or None for any other."""
        found = [renamed for rule in self.duplicates if (renamed := rule.rename(name)) is not None]
        return found[0] if found else None

    def classifies(self, name: str) -> bool:
        """Return whether a key belongs to a classifier."""
        return (self.our_name(name) or "").startswith(HEAD) or bool(re.fullmatch(self.classifier, name))

    def drops(self, name: str) -> bool:
        """Return whether a key is bookkeeping of the training, not a weight."""
        return any(re.fullmatch(pattern, name) for pattern in self.dropped)
