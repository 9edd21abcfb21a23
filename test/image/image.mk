# make test-image   the image built twice, and run by an engine of the test's own

test-image:
	@.ci/packages image
	@test/image/run.sh

.PHONY: test-image
