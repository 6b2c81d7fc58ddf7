"""What an MCP host starts: `python server.py`."""

from dp_tools.mcp_server.server import serve_stdio

if __name__ == "__main__":
    serve_stdio()
