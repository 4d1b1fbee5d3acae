"""An application on FastMCP that keeps its logins in files, and has no browser: python fastmcp-client.py (URL DIR)..."""

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


def no_browser(_url):
    sys.exit("a login was asked for")


webbrowser.open = no_browser


def store(directory):
    return FileTreeStore(
        data_directory=directory,
        key_sanitization_strategy=FileTreeV1KeySanitizationStrategy(directory),
        collection_sanitization_strategy=FileTreeV1CollectionSanitizationStrategy(directory),
    )


async def main(arguments):
    for url, directory in zip(arguments[::2], map(Path, arguments[1::2])):
        async with Client(url, auth=OAuth(token_storage=store(directory))) as client:
            print("tools:", *(tool.name for tool in await client.list_tools()))


asyncio.run(main(sys.argv[1:]))
