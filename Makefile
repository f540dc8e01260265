# Vedette's tasks. "make" lists them. What needs root becomes root through sudo, and only that.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# How long each fuzz target runs, and how long the tests of one package may take.
FUZZTIME ?= 20s
TIMEOUT ?= 10m
# The same in a guest, whose processor is emulated.
GUEST_TIMEOUT ?= 40m
# The version that the program tells. Without a tag it tells the commit that it was built from.
VERSION ?= $(shell git describe --tags --dirty 2>/dev/null)

# What make test-cluster gives its tests, e.g. -update or -test.run TestChart.
CLUSTER_ARGS ?=
# What the image is called.
IMAGE ?= localhost/vedette:dev

MODULE := github.com/vedette-io/vedette
# Packages whose tests load programs into the kernel and watch the machine. They need root and run one
# after the other; all others are pure.
KERNEL := ./internal/agent/... ./internal/hook/... ./internal/kernel/... ./examples/... ./test/...
PURE = $(shell go list ./... | grep -vxFf <(go list $(KERNEL)))
# Kernels that the tests run on in guests, and the packages that do. CI takes fewer of both: a guest is slow.
KERNELS ?= 5.10 6.1 6.12 6.18 newest
CI_KERNELS := newest 6.12 5.10
GUEST_TESTS ?= ./internal/kernel ./internal/hook ./internal/agent ./examples ./test/enforce ./test/calls ./test/scenario ./test/behaviour
CI_GUEST_TESTS := ./internal/kernel ./internal/hook ./test/enforce
# The race detector is the one thing here that needs a C compiler.
RACE_CC = $(shell command -v clang-19 || command -v cc)

# A checkout that belongs to another user is that user's wish here: make runs its Makefile already.
export GIT_CONFIG_COUNT := 1
export GIT_CONFIG_KEY_0 := safe.directory
export GIT_CONFIG_VALUE_0 := $(CURDIR)

AS_ROOT := $(CURDIR)/scripts/as-root.sh
SAY = @printf '\n== %s\n'

.PHONY: help
help: ## list the tasks
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r task text; do \
		printf '  make %-17s %s\n' "$$task" "$$text"; done

.PHONY: build
build: ## build bin/vedette, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X $(MODULE)/internal/cli.version=$(VERSION)' -o bin/vedette ./cmd/vedette

.PHONY: build-cross
build-cross: ## build for arm64 too, and throw it away
	CGO_ENABLED=0 GOARCH=arm64 go build -o /dev/null ./cmd/vedette

.PHONY: image
image: ## build bin/vedette-image.tar, an OCI image for amd64 and arm64, called IMAGE
	@scripts/image.sh '$(IMAGE)' '$(VERSION)'

.PHONY: demo
demo: deps-demo build ## watch this machine, and see a policy kill a real cat
	@$(AS_ROOT) test/demo.sh

.PHONY: test
test: deps-test ## run everything that CI runs
	$(SAY) 'format, vet, staticcheck'
	@$(MAKE) --no-print-directory lint
	$(SAY) 'generated files'
	@$(MAKE) --no-print-directory check-generated check-tidy
	$(SAY) 'build'
	@$(MAKE) --no-print-directory build build-cross lint-examples
	$(SAY) 'race detector, fuzz and go test of pure packages, beside go test of those that need the kernel'
	@+FUZZTIME=5s MAKE='$(MAKE)' scripts/together.sh 'test-race fuzz test-pure' test-native
	$(SAY) 'other kernels, beside instructions'
	@$(MAKE) --no-print-directory deps-guest
	@scripts/kernels.sh $(CI_KERNELS)
	@+KERNELS='$(CI_KERNELS)' GUEST_TESTS='$(CI_GUEST_TESTS)' MAKE='$(MAKE)' scripts/together.sh bench-kernel test-kernels

.PHONY: test-go
test-go: test-pure test-native ## go test: pure packages, then those that need root and the kernel

.PHONY: test-pure test-native
test-pure:
	@go test -timeout $(TIMEOUT) $(PURE)
test-native:
	@go test -timeout $(TIMEOUT) -count 1 -p 1 -exec '$(AS_ROOT)' $(KERNEL)

.PHONY: test-crds
test-crds: ## check the CRDs with the API server's own libraries (a module of its own, slow to build)
	@cd test/crds && CGO_ENABLED=0 go test -timeout $(TIMEOUT) ./...

.PHONY: test-kernels
test-kernels: deps-guest ## run tests that need a kernel on other kernels (KERNELS="5.10 newest"), in guests
	@scripts/kernels.sh $(KERNELS)
	@go run ./test/kernels -timeout $(GUEST_TIMEOUT) -k '$(KERNELS)' $(GUEST_TESTS)

.PHONY: test-cluster
test-cluster: deps-cluster image ## install it into a Kubernetes of three nodes, built from Go modules, and run the scenario there
	@bin=$$(test/cluster/build.sh) && test/cluster/standin.sh "$$bin/image" bin/standin-image.tar && \
		cd test/cluster && CGO_ENABLED=0 go test -c -o ../../bin/cluster.test ./scenario && cd scenario && \
		$(AS_ROOT) env VEDETTE_CLUSTER_BIN="$$bin" VEDETTE_CLUSTER_IMAGES="$$bin/pause.tar:$(CURDIR)/bin/vedette-image.tar:$(CURDIR)/bin/standin-image.tar" \
		../../../bin/cluster.test -test.v -test.timeout $(GUEST_TIMEOUT) $(CLUSTER_ARGS)

.PHONY: kernel-table
kernel-table: deps-guest build ## write the table of docs/kernels.md: what each of KERNELS offers, and with HERE=NAME this one
	@scripts/kernels.sh $(KERNELS)
	@go run ./internal/vmtest/table -k '$(KERNELS)' -probe bin/vedette $(if $(HERE),-here '$(HERE)') docs/kernels.md

.PHONY: test-short
test-short: ## run the pure tests: no root, no kernel, any machine
	@go test -short ./...

.PHONY: test-race
test-race: ## run the pure packages' tests with the race detector
	@CGO_ENABLED=1 CC='$(RACE_CC)' go test -race -short -timeout $(TIMEOUT) $(PURE)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s)
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## run the benchmarks; docs/performance.md says how to read them
	@go test -run '^$$' -bench . -benchmem -timeout 30m $(PURE)
	@go test -run '^$$' -bench . -benchmem -timeout 30m -count 1 -p 1 -exec '$(AS_ROOT)' $(KERNEL)

.PHONY: bench-kernel
bench-kernel: deps-test deps-guest ## count instructions in a guest, and compare with the budget
	@scripts/bench-kernel.sh

.PHONY: generate
generate: deps-test ## generate the kernel objects, the protobuf code, the system call tables and the CRDs
	go generate ./api ./bpf ./internal/syscalls ./internal/crd

.PHONY: lint
lint: ## check format, go vet, staticcheck, shellcheck
	@scripts/check-format.sh
	@go vet ./...
	@go tool staticcheck ./...
	@scripts/lint-modules.sh

.PHONY: lint-examples
lint-examples: build ## check the example policies
	@bin/vedette tracingpolicy lint examples/

.PHONY: check-generated
check-generated: ## fail when a generated file is not up to date
	@scripts/check-generated.sh

.PHONY: check-tidy
check-tidy: ## fail when go.mod or go.sum is not tidy
	@go mod tidy -diff

.PHONY: clean
clean: ## remove what was built
	rm -rf bin

.PHONY: deps-cluster deps-demo deps-guest deps-test
deps-cluster deps-demo deps-guest deps-test: deps-%:
	@scripts/deps.sh $*
