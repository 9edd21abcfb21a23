#include "supervisor/children/jobs.h"

#include "supervisor/children/confined.h"

#include <stdlib.h>

struct jobs {
	struct process_table *processes;
	const struct settings *settings;
	const struct program_paths *programs;
	bool stopping;
};

struct kind {
	const char *name, *path;
	unsigned audience;
	const struct confinement *confinement;
};

static struct kind kind_of(const struct jobs *jobs, enum job_program program)
{
	const struct program_paths *p = jobs->programs;

	switch (program) {
	case JOB_EVIDENCE:
		return (struct kind){"ingress-evidence", p->evidence, FOR_EVIDENCE,
				     &confined_evidence};
	case JOB_WEBHOOK:
		return (struct kind){"ingress-evidence", p->evidence, FOR_EVIDENCE | FOR_WEBHOOK,
				     &confined_evidence};
	case JOB_PROBE:
		return (struct kind){"ingressctl", p->ctl, FOR_EVIDENCE, &confined_probe};
	case JOB_RESOLVE:
		return (struct kind){"ingress-resolve", p->resolve, 0, &confined_resolve};
	case JOB_DNS:
		break;
	}
	return (struct kind){"ingress-dns", p->dns, FOR_DNS, confined_dns(jobs->settings)};
}

/* Freed by the caller, the words stay whose they are. */
static const char **make_argv(const struct kind *kind, const char *const *words)
{
	size_t count = 0;
	const char **argv;

	while (words[count] != NULL)
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (argv == NULL)
		return NULL;
	argv[0] = kind->path;
	for (size_t i = 0; i < count; i++)
		argv[i + 1] = words[i];
	return argv;
}

static struct process *launch(const struct jobs *jobs, const struct kind *kind,
			      const struct job *job, const char *const *environment,
			      struct error *err)
{
	const char **argv = make_argv(kind, job->words);
	const struct process_spec spec = {
	    .name = kind->name,
	    .argv = argv,
	    .envp = environment,
	    .timeout = job->timeout,
	    .capture_max = job->capture_max,
	    .stdout_level = job->output_level,
	    .stderr_level = job->timeout > 0 ? LOG_DEBUG : LOG_INFO,
	    .stdin_fd = job->stdin_fd,
	    .extra_fd = job->third_fd > 0 ? job->third_fd : -1,
	    .confinement = kind->confinement,
	    .done = job->done,
	    .arg = job->arg,
	};
	struct process *process = NULL;

	if (argv == NULL)
		error_no_memory(err);
	else
		process = process_start(jobs->processes, &spec, err);
	free(argv);
	return process;
}

struct process *jobs_start(const struct jobs *jobs, const struct job *job, struct error *err)
{
	struct kind kind = kind_of(jobs, job->program);
	char **environment;

	if (jobs->stopping && job->timeout > 0) {
		error_set(err, EXIT_TRY_LATER, "ingressd is stopping");
		return NULL;
	}
	if (job->environment != NULL)
		return launch(jobs, &kind, job, job->environment, err);
	environment = settings_child_environment(jobs->settings, kind.audience, job->extra, err);
	if (environment == NULL)
		return NULL;
	struct process *process = launch(jobs, &kind, job, (const char *const *)environment, err);
	settings_free_environment(environment);
	return process;
}

void jobs_stop(struct jobs *jobs)
{
	jobs->stopping = true;
	process_end_jobs(jobs->processes);
}

bool jobs_are_stopping(const struct jobs *jobs)
{
	return jobs->stopping;
}

struct jobs *jobs_new(struct process_table *processes, const struct settings *settings,
		      const struct program_paths *programs, struct error *err)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));

	if (jobs == NULL)
		error_no_memory(err);
	else
		*jobs = (struct jobs){processes, settings, programs, false};
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	free(jobs);
}
