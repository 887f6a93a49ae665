/* Preloaded into the lab's kernel, user-mode-linux, on processors whose register state is larger than it knows.
 *
 * It keeps the registers of a process in 2,696 bytes, which was all there was before AMX. Linux lets a tracer read a part
 * of the state but takes only the whole (arch/x86/kernel/fpu/regset.c, xstateregs_set), so that kernel cannot start its first
 * process: "ptrace set fp regs failed, errno = 14". Here what it sets is filled up with zeros, the initial state of
 * registers that nothing in the lab uses: AMX has to be asked for by arch_prctl, which that kernel does not have.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned char whole[64 * 1024];
static size_t size;

static long set_registers(pid_t pid, struct iovec *known)
{
    struct iovec all = {whole, sizeof whole};

    if (size == 0) {
        if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &all) < 0)
            return -1;
        size = all.iov_len;
        memset(whole, 0, size);
    }
    if (known->iov_len >= size)
        return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, known);
    memcpy(whole, known->iov_base, known->iov_len);
    all.iov_len = size;
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &all);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);

    if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE)
        return set_registers(pid, data);
    if (request != PTRACE_PEEKTEXT && request != PTRACE_PEEKDATA && request != PTRACE_PEEKUSER)
        return syscall(SYS_ptrace, request, pid, address, data);
    long word; /* the system call stores what the C library returns */
    if (syscall(SYS_ptrace, request, pid, address, &word) < 0)
        return -1;
    errno = 0;
    return word;
}
