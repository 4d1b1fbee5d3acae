/* Starts mcp-login.exe, which is beside it, with the arguments that it gets, in the home directory that MCP_LOGIN_TEST_HOME names:
 * Wine takes the variables of the user's directories from nobody. Meanwhile nobody else can open the file that MCP_LOGIN_TEST_HELD
 * names. Ends as the program does. */
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

static BOOL WINAPI pass(DWORD event)
{
    (void)event;
    return TRUE; /* keys are for the program */
}

static void set(const wchar_t *name, const wchar_t *home, const wchar_t *below)
{
    static wchar_t path[32768];
    _snwprintf(path, 32767, L"%ls%ls", home, below);
    SetEnvironmentVariableW(name, path);
}

int main(void)
{
    static wchar_t home[4096], line[32768], own[4096], held[4096];
    STARTUPINFOW startup = {sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = 1, started = GetTickCount();
    if (GetEnvironmentVariableW(L"MCP_LOGIN_TEST_HOME", home, 4096)) {
        set(L"USERPROFILE", home, L"");
        set(L"LOCALAPPDATA", home, L"\\.local\\share");
        set(L"APPDATA", home, L"\\AppData\\Roaming");
        set(L"TEMP", home, L"");
        set(L"TMP", home, L"");
    }
    if (GetEnvironmentVariableW(L"MCP_LOGIN_TEST_HELD", held, 4096) &&
        CreateFileW(held, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE)
        return 98;
    GetModuleFileNameW(NULL, own, 4096);
    *(wcsrchr(own, L'\\') + 1) = 0;
    const wchar_t *rest = GetCommandLineW();
    if (*rest == L'"')
        rest = wcschr(rest + 1, L'"') + 1;
    else
        while (*rest && *rest != L' ')
            rest++;
    _snwprintf(line, 32767, L"\"%lsmcp-login.exe\"%ls", own, rest);
    SetConsoleCtrlHandler(pass, TRUE);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
        fprintf(stderr, "start.exe: mcp-login.exe is not started: %lu\n", GetLastError());
        return 99;
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    if (code == 1 || code > 255) /* none of its own: whoever reads this sees only the last eight bits otherwise */
        fprintf(stderr, "start.exe: mcp-login.exe ended with 0x%08lx after %lu ms\n", code, GetTickCount() - started);
    return (int)code;
}
