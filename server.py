"""What an MCP host starts: `python server.py`."""

from dp_tools.mcp_server.stdio import serve_stdio

if __name__ == "__main__":
    serve_stdio()
