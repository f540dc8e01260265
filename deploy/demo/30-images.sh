#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Step 3: the images of Vedette and of the stand-in database are built and given to the nodes.
. "$(dirname "$0")/common.sh"
need_go
need_docker
need_kind

say "the image of Vedette"
shown make -C ../.. image IMAGE=localhost/vedette:dev
shown kind load image-archive --name "$CLUSTER" ../../bin/vedette-image.tar

say "the image of the stand-in database"
CGO_ENABLED=0 GOOS=linux go -C ../.. build -trimpath -o deploy/demo/iris/iris-main ./test/irisdb
shown docker build --tag localhost/iris-standin:demo iris
shown kind load docker-image --name "$CLUSTER" localhost/iris-standin:demo
