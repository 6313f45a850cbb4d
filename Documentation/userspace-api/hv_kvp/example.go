// SPDX-License-Identifier: GPL-2.0

// example set KEY VALUE | get KEY | watch: items of pool GUEST.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Numbers from numbers.md; structures from <linux/hv_kvp.h>.
const (
	iocGet   = 0xC040BD02
	iocSet   = 0xC038BD04
	iocWatch = 0x4008BD08

	poolGuest   = 1
	typeSZ      = 1
	valueMax    = 3069
	recordMax   = 8192
	watchValues = 1

	eventAdded   = 1
	eventSet     = 2
	eventDeleted = 3
	eventLost    = 5
)

type set struct {
	key, value               uint64
	pool, flags              uint32
	keyLen, valueLen         uint32
	typ, reserved            uint32
	ifGeneration, generation uint64
}

type get struct {
	key, value                           uint64
	pool, flags                          uint32
	keyLen, valueSize                    uint32
	typ, itemFlags                       uint32
	itemGeneration, generation, sequence uint64
}

type watch struct {
	pools, flags uint32
}

type eventItem struct {
	size, kind, pool, flags              uint32
	generation, itemGeneration, sequence uint64
	itemFlags, typ                       uint32
	keyOffset, keyLen                    uint32
	valueOffset, valueLen                uint32
}

func pointer(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

func ioctl(fd int, call uintptr, arg unsafe.Pointer) {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), call, uintptr(arg)); e != 0 {
		fail(e)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func setItem(fd int, key, value []byte) {
	arg := set{key: pointer(key), value: pointer(value), pool: poolGuest,
		keyLen: uint32(len(key)), valueLen: uint32(len(value)), typ: typeSZ}
	ioctl(fd, iocSet, unsafe.Pointer(&arg))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	fmt.Println("generation", arg.generation)
}

func getItem(fd int, key []byte) {
	value := make([]byte, valueMax)
	arg := get{key: pointer(key), value: pointer(value), pool: poolGuest,
		keyLen: uint32(len(key)), valueSize: valueMax}
	ioctl(fd, iocGet, unsafe.Pointer(&arg))
	runtime.KeepAlive(key)
	fmt.Println(string(value[:arg.valueSize]))
}

func printEvent(record []byte) {
	item := (*eventItem)(unsafe.Pointer(&record[0]))
	switch item.kind {
	case eventAdded, eventSet:
		fmt.Printf("set %s=%s\n", record[item.keyOffset:][:item.keyLen],
			record[item.valueOffset:][:item.valueLen])
	case eventDeleted:
		fmt.Printf("deleted %s\n", record[item.keyOffset:][:item.keyLen])
	case eventLost:
		fmt.Println("lost")
	}
}

func watchItems(fd int) {
	arg := watch{pools: 1 << poolGuest, flags: watchValues}
	ioctl(fd, iocWatch, unsafe.Pointer(&arg))
	buffer := make([]byte, recordMax)
	for {
		n, err := syscall.Read(fd, buffer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			fail(err)
		}
		for records := buffer[:n]; len(records) > 0; {
			size := *(*uint32)(unsafe.Pointer(&records[0]))
			printEvent(records[:size])
			records = records[size:]
		}
	}
}

func main() {
	fd, err := syscall.Open("/dev/hv_kvp", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		fail(err)
	}
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "set":
		setItem(fd, []byte(args[1]), []byte(args[2]))
	case len(args) == 2 && args[0] == "get":
		getItem(fd, []byte(args[1]))
	case len(args) == 1 && args[0] == "watch":
		watchItems(fd)
	default:
		fmt.Fprintln(os.Stderr, "usage: example set KEY VALUE | get KEY | watch")
		os.Exit(2)
	}
}
