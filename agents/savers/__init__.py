"""LangGraph's checkpointers, made to refuse a checkpoint that does not follow the newest one."""
