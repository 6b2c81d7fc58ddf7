"""The MCP server: one `create_server` for stdio, HTTP and in-memory, over the same tasks and the same knowledge."""
