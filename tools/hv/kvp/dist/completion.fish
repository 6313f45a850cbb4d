# SPDX-License-Identifier: GPL-2.0
# fish completion for kvpctl(8); it asks kvpctl itself what there is.

function __kvpctl_commands
	kvpctl help 2>/dev/null | string replace -rf '^  ([a-z]+) +(.*)' '$1\t$2'
end

function __kvpctl_command
	set -l words (commandline -opc)
	test (count $words) -ge 2; and echo $words[2]
end

# Whether the command is one of these.
function __kvpctl_is
	contains -- (__kvpctl_command) $argv
end

function __kvpctl_options
	kvpctl help (__kvpctl_command) 2>/dev/null |
		string replace -rf '^  ...[ ,]*(--[a-z-]+)(?: [A-Z]+)? +(.*)' '$1\t$2'
end

# Keys of a pool, or of all; they may hold anything.
function __kvpctl_keys
	set -l words (commandline -opc)
	set -l pool $argv
	for i in (seq 3 (count $words))
		if contains -- $words[$i] -p --pool; and test -n "$words[(math $i + 1)]"
			set pool $words[(math $i + 1)]
		end
	end
	test -z "$pool"; or set pool --pool $pool
	kvpctl list --keys --null $pool 2>/dev/null | string split0
end

complete -c kvpctl -f
complete -c kvpctl -n 'test (count (commandline -opc)) -eq 1' -a '(__kvpctl_commands)'
complete -c kvpctl -n '__kvpctl_is help' -a '(__kvpctl_commands)'
complete -c kvpctl -n 'string match -q -- "-*" (commandline -ct)' -a '(__kvpctl_options)'
complete -c kvpctl -s p -l pool -x -a 'external guest auto auto_external auto_internal'
complete -c kvpctl -n '__kvpctl_is get set' -s t -l type -x -a 'SZ EXPAND_SZ DWORD QWORD'
complete -c kvpctl -n '__kvpctl_is component' -s f -l format -x -a 'mof json xml'
complete -c kvpctl -n '__kvpctl_is agent' -s s -l stack -x -a 'netplan networkd networkmanager ifupdown'
complete -c kvpctl -n '__kvpctl_is watch' -s k -l key -x -a '(__kvpctl_keys)'
complete -c kvpctl -n '__kvpctl_is set' -s f -l file -r -F
complete -c kvpctl -n '__kvpctl_is agent' -s f -l request -r -F
complete -c kvpctl -n '__kvpctl_is agent' -s x -l exec -r -F
complete -c kvpctl -n '__kvpctl_is identify agent' -l root -x -a '(__fish_complete_directories)'
complete -c kvpctl -n '__kvpctl_is get' -a '(__kvpctl_keys)'
complete -c kvpctl -n '__kvpctl_is set delete hold' -a '(__kvpctl_keys guest)'
complete -c kvpctl -n '__kvpctl_is save restore' -F
complete -c kvpctl -n '__kvpctl_is import' -a '(__fish_complete_directories)'
