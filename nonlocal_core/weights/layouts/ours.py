"""Layout of this library's own names, as converted files in safetensors keep them."""

from nonlocal_core.weights.layouts.rules import Layout, Rule

OURS = Layout(
    name="ours", title="this project", rules=(Rule(r"(?P<name>(?:stem|res[2-5]|head)[.].+)", "{name}"),), prefixes=()
)
