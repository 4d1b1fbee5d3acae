/* The store helper tests/stores/directory for Windows: helper.exe DIRECTORY [FAULT=VERB] VERB. The faults are `fail`, and `hang`
 * with a program that it has started. And a browser, which agrees to everything: helper.exe visit URL. */
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <windows.h>

static char request[1 << 20];

/* Copies a member of the request whose value is made of plain characters. */
static char *member(const char *name)
{
    char start[64], *found, *copy;
    snprintf(start, sizeof start, "\n\"%s\":\"", name);
    found = strstr(request, start);
    if (!found)
        return strdup("");
    copy = strdup(found + strlen(start));
    copy[strcspn(copy, "\"")] = 0;
    return copy;
}

static char *path(const char *directory, const char *name, const char *ending)
{
    char *whole = malloc(strlen(directory) + strlen(name) + strlen(ending) + 2);
    sprintf(whole, "%s\\%s%s", directory, name, ending);
    return whole;
}

/* Reads a file; "" if there is none. */
static char *text(const char *file)
{
    char *all = calloc(1, sizeof request);
    FILE *from = fopen(file, "rb");
    if (from) {
        fread(all, 1, sizeof request - 1, from);
        fclose(from);
    }
    return all;
}

/* Gets a page of this machine, and follows its redirections. */
static int visit(const char *url)
{
    static char host[64], target[8192], answer[1 << 16];
    WSADATA data;
    int count;
    WSAStartup(MAKEWORD(2, 2), &data);
    while (sscanf(url, "http://%63[^/]%8191[^\r\n]", host, target) == 2) {
        struct sockaddr_in at = {AF_INET, htons((u_short)atoi(strchr(host, ':') + 1)), {{{127, 0, 0, 1}}}, {0}};
        SOCKET page = socket(AF_INET, SOCK_STREAM, 0);
        int length = snprintf(request, sizeof request,
                              "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nSec-Fetch-Site: cross-site\r\n"
                              "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n", target, host);
        if (connect(page, (struct sockaddr *)&at, sizeof at) != 0 || send(page, request, length, 0) != length)
            return 1;
        for (length = 0; length < (int)sizeof answer - 1; length += count) {
            if ((count = recv(page, answer + length, (int)sizeof answer - 1 - length, 0)) <= 0)
                break;
        }
        answer[length] = 0;
        closesocket(page);
        if (!(url = strstr(answer, "\r\nLocation: ")))
            return strncmp(answer, "HTTP/1.1 200 ", 13) != 0;
        url += strlen("\r\nLocation: ");
    }
    return 1;
}

int main(int count, char **words)
{
    if (count == 3 && strcmp(words[1], "visit") == 0)
        return visit(words[2]);
    const char *directory = words[1], *verb = words[count - 1], *fault = count > 3 ? words[2] : "";
    const char *at = strchr(fault, '=');
    if (at && strcmp(at + 1, verb) == 0) {
        if (strncmp(fault, "fail", 4) == 0) {
            fputs("no luck today\r\n", stderr);
            return 3;
        }
        spawnl(_P_NOWAIT, words[0], "helper", directory, "sleep", NULL);
        verb = "sleep";
    }
    if (strcmp(verb, "sleep") == 0) {
        Sleep(600 * 1000);
        return 1;
    }
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    request[fread(request, 1, sizeof request - 1, stdin)] = 0;
    const char *key = member("key"), *replaces = member("replaces");
    /* Nobody else can open it until this process has ended. */
    while (CreateFileA(path(directory, "lock", ""), GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL) == INVALID_HANDLE_VALUE)
        Sleep(5);
    char *file = path(directory, key, ".value"), *revision = text(file), *value = strchr(revision, '\n');
    if (value)
        *value++ = 0;
    if (strcmp(verb, "list") == 0) {
        WIN32_FIND_DATAA found;
        HANDLE search = FindFirstFileA(path(directory, "*", ".value"), &found);
        printf("{\"version\":1,\"keys\":[");
        for (int is_one = search != INVALID_HANDLE_VALUE, number = 0; is_one; is_one = FindNextFileA(search, &found))
            printf("%s\"%.*s\"", number++ ? "," : "", (int)strcspn(found.cFileName, "."), found.cFileName);
        printf("]}\r\n");
        return 0;
    }
    if (strcmp(verb, "get") == 0 && value)
        return printf("{\"version\":1,\"revision\":\"%s\",\"value\":\"%s\"}\r\n", revision, value) < 0;
    if (strcmp(verb, "get") != 0) {
        if (strcmp(revision, replaces) != 0 || (strcmp(verb, "delete") == 0 && !value))
            return 10;
        if (strcmp(verb, "delete") == 0) {
            remove(file);
        } else {
            char *counter = path(directory, "counter", "");
            long next = atol(text(counter)) + 1;
            FILE *to = fopen(file, "wb");
            fprintf(to, "%ld\n%s", next, member("value"));
            fclose(to);
            to = fopen(counter, "wb");
            fprintf(to, "%ld", next);
            fclose(to);
        }
    }
    puts("{\"version\":1}");
    return 0;
}
