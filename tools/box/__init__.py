"""The toolbox: what every tool call goes through, and the state of the run behind the tools."""
