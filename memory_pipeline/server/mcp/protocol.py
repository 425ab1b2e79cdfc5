"""The protocol around the tools: what is listed, who may call what, and how errors are told."""

from __future__ import annotations

import json
import logging
import traceback
import uuid
from typing import TYPE_CHECKING, Any

import mcp_types as types
from anyio import to_thread
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from memory_pipeline import __version__
from memory_pipeline.server.mcp import prompts, resources
from memory_pipeline.server.mcp.arguments import input_schema, output_schema, unknown
from memory_pipeline.server.mcp.tools import TOOLS, Caller, Tool
from memory_pipeline.server.problems import ProblemError, database_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import ServerRequestContext

    from memory_pipeline.memory import Memory
    from memory_pipeline.store.access import Grant

LOG = logging.getLogger("memory_pipeline.server")


class MemoryProtocol:
    """What the SDK's server calls.

    Parameters
    ----------
    memory
        That is asked; whoever opened it closes it.
    local
        Grant of who calls without HTTP, such as over stdio; None where nobody may.
    """

    def __init__(self, memory: Memory, local: Grant | None = None) -> None:
        self._memory = memory
        self._local = local

    def server(self) -> Server[Any]:
        """Return a server of the SDK that answers from the memory."""
        return Server(
            "memory_pipeline",
            title="Memory of packaging attempts",
            version=__version__,
            instructions=prompts.INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
        )

    def _caller(self, context: ServerRequestContext[Any, Any]) -> Caller:
        """Return who calls: the grant that the access layer left in the HTTP request, or the local one."""
        if context.request is not None:
            state = context.request.scope["state"]
            return Caller(state["grant"], state["request_id"])
        if self._local is None:
            raise MCPError(types.INVALID_REQUEST, "this server is asked over HTTP alone")
        return Caller(self._local, str(uuid.uuid4()))

    async def _list_tools(
        self, _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_describe(one) for one in TOOLS.values()])

    async def _call_tool(
        self, context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        caller = self._caller(context)
        tool = TOOLS.get(params.name)
        if tool is None:
            error = unknown("name", params.name, TOOLS)
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {params.name[:100]!r}: {error.remedy}")
        if not caller.grant.allows(tool.scope):
            return _refused(
                f"{tool.name} needs the scope {tool.scope}; the token {caller.grant.name!r} may "
                f"{caller.grant.scope}. `memory-pipeline token create NAME --scope {tool.scope}` makes "
                "one that may."
            )
        try:
            said, answer = await to_thread.run_sync(tool.run, self._memory, params.arguments or {}, caller)
            content = tool.answer.model_validate(answer).model_dump(mode="json")
        except ProblemError as problem:
            return _refused(_say(problem))
        except Exception as error:  # noqa: BLE001 - an agent gets an answer, the log what happened
            away = database_problem(error)
            return _refused(_failed(error, caller, tool.name) if away is None else _say(away))
        text = types.TextContent(type="text", text=said)
        return types.CallToolResult(content=[text], structured_content=content)

    async def _list_resources(
        self, _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])

    async def _list_templates(
        self, _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=resources.templates())

    async def _read_resource(
        self, context: ServerRequestContext[Any, Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        text = await self._read(context, lambda: resources.read_resource(self._memory, uri), uri)
        content = types.TextResourceContents(uri=uri, text=text, mime_type=resources.JSON)
        return types.ReadResourceResult(contents=[content])

    async def _list_prompts(
        self, _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=prompts.prompts())

    async def _get_prompt(
        self, context: ServerRequestContext[Any, Any], params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        found: types.GetPromptResult = await self._read(
            context, lambda: prompts.read_prompt(params.name, params.arguments or {}), params.name
        )
        return found

    async def _read(self, context: ServerRequestContext[Any, Any], read: Callable[[], Any], what: str) -> Any:
        """Return what is read in a thread; problems become errors of the protocol."""
        caller = self._caller(context)
        try:
            return await to_thread.run_sync(read)
        except ProblemError as problem:
            raise MCPError(types.INVALID_PARAMS, _say(problem), {"asked": what[:200]}) from problem
        except Exception as error:
            away = database_problem(error)
            said = _failed(error, caller, "read") if away is None else _say(away)
            raise MCPError(types.INTERNAL_ERROR, said) from error


def _describe(tool: Tool) -> types.Tool:
    is_read = tool.scope == "read"
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(tool.arguments),
        output_schema=output_schema(tool.answer),
        annotations=types.ToolAnnotations(
            read_only_hint=is_read, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _refused(said: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=said)], is_error=True)


def _say(problem: ProblemError) -> str:
    """Return a problem as text: the sentence, and each field with its value."""
    said = str(problem.detail)
    more = [f"- {one.field}: {one.remedy}" for one in problem.errors if one.remedy not in said]
    values = [f"- {one.field} was {one.value!r}" for one in problem.errors if one.value is not None]
    return "\n".join([said, *more, *values])


def _failed(error: Exception, caller: Caller, what: str) -> str:
    """Log where an unexpected error came from, without its message, which may quote what was sent."""
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    LOG.error(
        json.dumps(
            {
                "event": "failure",
                "door": "mcp",
                "call": what,
                "request_id": caller.request_id,
                "error": type(error).__name__,
                "at": frames,
            }
        )
    )
    return f"the memory failed at this; its log has the cause under the request {caller.request_id}"
