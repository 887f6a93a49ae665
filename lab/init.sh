#!/bin/sh
# PID 1 of the lab kernel: mounts what a job expects, loads ip_vs, runs the job, leaves its exit status, powers off.
# The root file system is the host's, so everything written outside /tmp, /run and /dev lands on the host.
# $LAB is a directory of the host with: job (a shell script), mounts (directories of the host that ours would hide).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts -o mode=600,ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /run
mkdir -p /run/lab /run/netns /run/modprobe/lib
mount -t hostfs -o "$LAB" none /run/lab
mount -t tmpfs tmpfs /tmp
while read -r directory; do
    mkdir -p "$directory"
    mount -t hostfs -o "$directory" none "$directory"
done </run/lab/mounts

# The package's modules lie outside /lib/modules; the kernel itself loads schedulers and link types by this wrapper.
ln -s /usr/lib/uml/modules /run/modprobe/lib/modules
printf '#!/bin/sh\nexec modprobe -d /run/modprobe "$@"\n' >/run/modprobe/modprobe
chmod +x /run/modprobe/modprobe
echo /run/modprobe/modprobe >/proc/sys/kernel/modprobe
modprobe -d /run/modprobe -a ipv6 ip_vs
ip link set lo up
echo lab >/proc/sys/kernel/hostname

# Raw consoles: what the job writes reaches the host byte for byte.
stty -F /dev/tty0 raw -echo
stty -F /dev/tty1 raw -echo
# The input of this console ends when the process that booted us does, however it ends.
(cat /dev/tty3 >/dev/null; echo o >/proc/sysrq-trigger) &
ulimit -Hn 1048576
/bin/sh /run/lab/job </dev/null >/dev/tty0 2>/dev/tty1
echo $? >/run/lab/status

# Changing a console's settings waits until what it holds is written.
stty -F /dev/tty0 cooked
stty -F /dev/tty1 cooked
sync
echo o >/proc/sysrq-trigger
while :; do sleep 60; done
