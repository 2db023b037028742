"""Link-state databases as routers print them: one command, pasted from one router, is the whole topology."""
