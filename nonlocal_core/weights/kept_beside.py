"""Names of classes that training programs store beside the weights, and that a checkpoint may therefore mention.

They become plain dictionaries and inert records (`unpickle.Call`). Nothing is looked up or called by these names.
"""

_PATHS = ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")
_BUILTINS = ("set", "frozenset", "slice", "range", "xrange", "complex", "int", "float", "bool", "list", "dict")

DICTIONARIES = frozenset(
    {"collections.OrderedDict", "collections.defaultdict", "addict.addict.Dict", "easydict.EasyDict"}
    | {"yacs.config.CfgNode", "fvcore.common.config.CfgNode"}
    | {"mmcv.utils.config.ConfigDict", "mmengine.config.config.ConfigDict"}
)
"""Classes that become plain dictionaries."""

RECORDS = frozenset(
    {"argparse.Namespace", "types.SimpleNamespace", "mmengine.logging.history_buffer.HistoryBuffer"}
    | {f"pathlib.{kind}" for kind in _PATHS}
    | {f"pathlib._local.{kind}" for kind in _PATHS}
    | {f"{module}.{kind}" for module in ("__builtin__", "builtins") for kind in _BUILTINS}
    | {f"datetime.{kind}" for kind in ("date", "datetime", "timedelta", "timezone")}
    | {"collections.Counter", "torch.device", "torch.Size"}
    | {f"torch.{kind}" for kind in ("float16", "bfloat16", "float32", "float64", "int64")}
)
"""Classes that become records, with the methods that a record may name."""
