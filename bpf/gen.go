package bpf

//go:generate sh generate.sh
