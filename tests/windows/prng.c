/* Rust's standard library takes its random numbers from ProcessPrng, which the bcryptprimitives.dll of Wine 8 lacks. This
 * one stands in for it in the tests; it is never shipped. */
#include <stdlib.h>
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG piece = length > 0x10000 ? 0x10000 : (ULONG)length;
        if (!SystemFunction036(buffer, piece))
            abort();
        buffer += piece;
        length -= piece;
    }
    return TRUE;
}
