"""An application on FastMCP that keeps its logins in files, and has no browser: python fastmcp-client.py URL DIR"""

import asyncio
import sys
import webbrowser
from pathlib import Path

from fastmcp import Client
from fastmcp.client.auth import OAuth
from key_value.aio.stores.filetree import (
    FileTreeStore,
    FileTreeV1CollectionSanitizationStrategy,
    FileTreeV1KeySanitizationStrategy,
)

url, directory = sys.argv[1], Path(sys.argv[2])


def no_browser(_url):
    sys.exit("a login was asked for")


webbrowser.open = no_browser
store = FileTreeStore(
    data_directory=directory,
    key_sanitization_strategy=FileTreeV1KeySanitizationStrategy(directory),
    collection_sanitization_strategy=FileTreeV1CollectionSanitizationStrategy(directory),
)


async def main():
    async with Client(url, auth=OAuth(token_storage=store)) as client:
        print("tools:", *(tool.name for tool in await client.list_tools()))


asyncio.run(main())
