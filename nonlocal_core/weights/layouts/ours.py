"""Layout of this library's own names, used by converted files in safetensors."""

from nonlocal_core.weights.layouts.rules import Layout, Rule

OURS = Layout(name="ours", title="this project", rules=(Rule(r"(?P<name>(?:stem|res[2-5]|head)[.].+)", "{name}"),))
