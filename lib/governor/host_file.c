#include "governor/host_file.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "governor/host_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GATE_NAME "host-store.lock"
#define NEW_NAME "host-store.new"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* Locks lie past the end of the largest file; the gate's lock is on its own file. */
#define LOCKS_AT ((off_t)1 << 40)
#define GROWING_AT (LOCKS_AT - 1)
#define GROWING_PATIENCE_MS 1000
/* For whoever opens or makes the store at the same moment. */
#define GATE_PATIENCE_MS 5000

static int lock_byte(int fd, int command, short type, off_t at, short *found) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
  int rc;

  do
    rc = fcntl(fd, command, &lock);
  while (rc && errno == EINTR);
  if (found)
    *found = lock.l_type;

  return rc ? errno : 0;
}

bool gov_host_file_lock(gov_host_file *file, uint32_t member) {
  return lock_byte(file->locks.fd, F_OFD_SETLK, F_WRLCK, LOCKS_AT + member, NULL) == 0;
}

void gov_host_file_unlock(gov_host_file *file, uint32_t member) {
  lock_byte(file->locks.fd, F_OFD_SETLK, F_UNLCK, LOCKS_AT + member, NULL);
}

bool gov_host_file_is_locked(gov_host_file *file, uint32_t member) {
  short found = F_UNLCK;
  int rc = lock_byte(file->locks.fd, F_OFD_GETLK, F_RDLCK, LOCKS_AT + member, &found);

  return rc == 0 && found != F_UNLCK;
}

/* The id of this boot; zeros where the system does not tell. */
static void read_boot_id(unsigned char id[16]) {
  char text[64] = "";
  int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC), digits = 0;
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

  memset(id, 0, 16);
  for (ssize_t i = 0; i < got && digits < 32; i++) {
    const char *all = "0123456789abcdef", *digit = strchr(all, text[i]);

    if (!text[i] || !digit)
      continue;
    id[digits / 2] = (unsigned char)(id[digits / 2] << 4 | (digit - all));
    digits++;
  }
  if (fd >= 0)
    close(fd);
}

static void fill_header(gov_host_header *header, uint64_t quiet_ns) {
  header->magic = GOV_HOST_MAGIC;
  header->version = GOV_HOST_VERSION;
  header->header_size = sizeof(gov_host_header);
  header->segment_size = sizeof(gov_host_segment);
  header->members_max = MSKGOV_HOST_MEMBERS_MAX;
  header->brokers_max = MSKGOV_HOST_BROKERS_MAX;
  read_boot_id(header->boot_id);
  header->quiet_until_ns =
      quiet_ns ? gov_clock_monotonic_ns(&gov_clock_system) + quiet_ns : 0;
}

static const char of_other_boot[] = "was made before the system was started";

/* What is wrong with a header of this library's version; NULL: nothing. */
static const char *flaw(const gov_host_header *header) {
  unsigned char boot_id[16];

  read_boot_id(boot_id);
  if (header->header_size != sizeof(gov_host_header) ||
      header->segment_size != sizeof(gov_host_segment) ||
      header->members_max != MSKGOV_HOST_MEMBERS_MAX ||
      header->brokers_max != MSKGOV_HOST_BROKERS_MAX)
    return "is damaged: its sizes are not those of its version";
  if (memcmp(header->boot_id, boot_id, sizeof(boot_id)) != 0)
    return of_other_boot;

  return NULL;
}

static int map_header(gov_host_file *file, mskgov_error_info *error) {
  int access = file->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void *memory = mmap(NULL, sizeof(gov_host_header), access, MAP_SHARED, file->fd, 0);

  if (memory == MAP_FAILED)
    return gov_error_set_errno(error, errno, "cannot map %s", file->path);
  file->header = memory;

  return 0;
}

static void unmap(gov_host_file *file) {
  for (uint32_t i = 0; i < MSKGOV_HOST_BROKERS_MAX; i++) {
    gov_host_segment *segment = atomic_exchange(&file->segments[i], NULL);

    if (segment)
      munmap(segment, sizeof(*segment));
  }
  if (file->header)
    munmap(file->header, sizeof(*file->header));
  file->header = NULL;
}

static void close_fds(gov_host_file *file) {
  if (file->fd >= 0)
    close(file->fd);
  file->fd = -1;
  gov_process_forget(&file->locks);
}

void gov_host_file_close(gov_host_file *file) {
  unmap(file);
  close_fds(file);
  pthread_mutex_destroy(&file->mutex);
}

static bool anybody_there(gov_host_file *file) {
  for (uint32_t i = 0; i < MSKGOV_HOST_MEMBERS_MAX; i++)
    if (gov_host_file_is_locked(file, i))
      return true;

  return false;
}

/* Opens what is there, twice. Returns 0, ENOENT, another errno, or a mskgov error. */
static int open_fds(gov_host_file *file, int directory, const gov_host_owner *owner,
                    mskgov_error_info *error) {
  /* not to wait for somebody at the other end, should it be a FIFO */
  int mode = (file->read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
             O_NOCTTY;
  struct stat seen;
  int rc;

  file->fd = openat(directory, GOV_HOST_FILE_NAME, mode);
  if (file->fd < 0 && errno == ENOENT)
    return ENOENT;
  if (file->fd < 0)
    return gov_error_set_errno(error, errno, "cannot open %s", file->path);

  if (fstat(file->fd, &seen))
    return gov_error_set_errno(error, errno, "cannot look at %s", file->path);
  rc = gov_host_path_check_file(file->path, &seen, owner, error);
  if (rc)
    return rc;

  rc = gov_process_open(&file->locks, directory, GOV_HOST_FILE_NAME, mode);

  return rc ? gov_error_set_errno(error, rc, "cannot open %s", file->path) : 0;
}

/* Maps the header of an open file. `*why` is set if it is not one to use. */
static int look(gov_host_file *file, const char **why, mskgov_error_info *error) {
  struct stat seen;
  int rc;

  *why = NULL;
  if (fstat(file->fd, &seen))
    return gov_error_set_errno(error, errno, "cannot look at %s", file->path);
  if (seen.st_size < (off_t)sizeof(gov_host_header) ||
      seen.st_size > (off_t)GOV_HOST_FILE_MAX) {
    *why = "is damaged: its size is not that of a host store";
    return 0;
  }

  rc = map_header(file, error);
  if (rc)
    return rc;
  if (file->header->magic != GOV_HOST_MAGIC)
    *why = "is damaged, or no host store";
  else if (file->header->version != GOV_HOST_VERSION)
    *why = "is of another version of mskgov";
  else
    *why = flaw(file->header);

  return 0;
}

static int allocate(const gov_host_file *file, int fd, off_t at, off_t size,
                    mskgov_error_info *error) {
  int rc;

  do
    rc = posix_fallocate(fd, at, size);
  while (rc == EINTR);

  return rc ? gov_error_set_errno(error, rc, "cannot have %lld bytes more for %s",
                                  (long long)size, file->path)
            : 0;
}

/* A new store, whole before it gets its name. */
static int make(gov_host_file *file, int directory, const gov_host_owner *owner,
                uint64_t quiet_ns, mskgov_error_info *error) {
  gov_host_header *header = MAP_FAILED;
  int fd, rc;

  unlinkat(directory, NEW_NAME, 0);
  fd =
      openat(directory, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return gov_error_set_errno(error, errno, "cannot make %s", file->path);

  rc = gov_host_path_own_file(fd, owner);
  if (rc)
    rc = gov_error_set_errno(error, rc, "cannot set owner and mode of %s", file->path);
  else
    rc = allocate(file, fd, 0, sizeof(*header), error);
  if (!rc) {
    header = mmap(NULL, sizeof(*header), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED)
      rc = gov_error_set_errno(error, errno, "cannot map %s", file->path);
  }
  if (!rc) {
    fill_header(header, quiet_ns);
    munmap(header, sizeof(*header));
    if (renameat(directory, NEW_NAME, directory, GOV_HOST_FILE_NAME))
      rc = gov_error_set_errno(error, errno, "cannot name %s", file->path);
  }
  close(fd);
  if (rc)
    unlinkat(directory, NEW_NAME, 0);

  return rc;
}

/* Under the gate's lock: opens the store, or makes it where there is none to use. */
static int open_or_make(gov_host_file *file, int directory, const gov_host_owner *owner,
                        uint64_t quiet_ns, mskgov_error_info *error) {
  const char *why = NULL;
  int rc = open_fds(file, directory, owner, error);
  bool is_new = rc == ENOENT;

  if (!is_new && !rc)
    rc = look(file, &why, error);
  if (!is_new && !rc && why && anybody_there(file))
    rc = gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                       "the host store %s %s, and it is in use: end its processes, or set "
                       "another options.host_directory",
                       file->path, why);
  if ((!is_new && rc) || (!is_new && !why))
    return rc;

  unmap(file);
  close_fds(file);
  rc = make(file, directory, owner, is_new || why == of_other_boot ? 0 : quiet_ns, error);
  if (!rc)
    rc = open_fds(file, directory, owner, error);
  if (!rc)
    rc = look(file, &why, error);
  if (!rc && why)
    rc = gov_error_set(error, MSKGOV_ERR_HOST_STORE, "the host store %s %s", file->path,
                       why);

  return rc;
}

/* The gate: nobody else opens or makes the store meanwhile. A process that ends lets go. */
static int pass_gate(int directory, const char *path, const gov_host_owner *owner,
                     int *gate, mskgov_error_info *error) {
  const struct timespec pause = {.tv_nsec = (long)GOV_NS_PER_MS};
  int rc;

  *gate = openat(directory, GATE_NAME,
                 O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  if (*gate < 0)
    return gov_error_set_errno(error, errno, "cannot open the lock of %s", path);
  if (owner->shared)
    gov_host_path_own_file(*gate, owner); /* its maker succeeds, the others need not */

  rc = lock_byte(*gate, F_OFD_SETLK, F_WRLCK, 0, NULL);
  for (int i = 0; (rc == EAGAIN || rc == EACCES) && i < GATE_PATIENCE_MS; i++) {
    nanosleep(&pause, NULL);
    rc = lock_byte(*gate, F_OFD_SETLK, F_WRLCK, 0, NULL);
  }
  if (!rc)
    return 0;

  close(*gate);

  return gov_error_set_errno(error, rc, "another process keeps %s from being opened", path);
}

/* Not by closing alone: a child forked meanwhile has the descriptor as well. */
static void leave_gate(int gate) {
  lock_byte(gate, F_OFD_SETLK, F_UNLCK, 0, NULL);
  close(gate);
}

static int begin(gov_host_file *file, const char *directory, bool read_only,
                 char path[GOV_HOST_PATH_MAX], mskgov_error_info *error) {
  int rc;

  memset(file, 0, sizeof(*file));
  file->fd = file->locks.fd = -1;
  file->read_only = read_only;
  pthread_mutex_init(&file->mutex, NULL);
  rc = gov_host_path_directory(path, GOV_HOST_PATH_MAX - sizeof("/" NEW_NAME), directory,
                               error);
  if (!rc)
    snprintf(file->path, sizeof(file->path), "%.*s/%s",
             (int)(GOV_HOST_PATH_MAX - sizeof("/" NEW_NAME)), path, GOV_HOST_FILE_NAME);

  return rc;
}

int gov_host_file_open(gov_host_file *file, const char *directory, const char *group,
                       uint64_t quiet_ns,
                       int (*join)(gov_host_file *, void *, mskgov_error_info *),
                       void *user, mskgov_error_info *error) {
  char path[GOV_HOST_PATH_MAX];
  gov_host_owner owner;
  int fd = -1, gate = -1, rc;

  rc = begin(file, directory, false, path, error);
  if (!rc)
    rc = gov_host_owner_init(&owner, group, error);
  if (!rc)
    rc = gov_host_path_open(path, &owner, &fd, error);
  if (!rc)
    rc = pass_gate(fd, file->path, &owner, &gate, error);
  if (!rc) {
    rc = open_or_make(file, fd, &owner, quiet_ns, error);
    if (!rc)
      rc = join(file, user, error);
    leave_gate(gate);
  }
  if (fd >= 0)
    close(fd);
  if (rc)
    gov_host_file_close(file);

  return rc;
}

int gov_host_file_view(gov_host_file *file, const char *directory,
                       mskgov_error_info *error) {
  char path[GOV_HOST_PATH_MAX];
  const char *why = NULL;
  int fd = -1, rc;

  rc = begin(file, directory, true, path, error);
  if (!rc)
    rc = gov_host_path_open(path, NULL, &fd, error);
  if (!rc) {
    rc = open_fds(file, fd, NULL, error);
    close(fd);
  }
  if (rc == ENOENT)
    rc = gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                       "there is no host store in %s; a governor with the store host makes "
                       "it",
                       path);
  else if (!rc)
    rc = look(file, &why, error);
  if (!rc && why)
    rc = gov_error_set(error, MSKGOV_ERR_HOST_STORE, "%s %s", file->path, why);
  if (rc)
    gov_host_file_close(file);

  return rc;
}

static off_t segment_at(uint32_t place) {
  return (off_t)(sizeof(gov_host_header) + place * sizeof(gov_host_segment));
}

static off_t size_of(const gov_host_file *file) {
  struct stat seen;

  return fstat(file->fd, &seen) ? 0 : seen.st_size;
}

static gov_host_segment *map_segment(gov_host_file *file, uint32_t place) {
  int access = file->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  gov_host_segment *segment;

  /* a mapping past the end of the file would be a SIGBUS to come */
  if (size_of(file) < segment_at(place + 1))
    return NULL;

  segment = mmap(NULL, sizeof(*segment), access, MAP_SHARED, file->fd, segment_at(place));

  return segment == MAP_FAILED ? NULL : segment;
}

gov_host_segment *gov_host_file_segment(gov_host_file *file, uint32_t place) {
  gov_host_segment *segment = atomic_load(&file->segments[place]);

  if (segment || atomic_load(&file->header->brokers[place]) == 0)
    return segment;

  pthread_mutex_lock(&file->mutex);
  segment = atomic_load(&file->segments[place]);
  if (!segment) {
    segment = map_segment(file, place);
    atomic_store(&file->segments[place], segment);
  }
  pthread_mutex_unlock(&file->mutex);

  return segment;
}

/* The broker's place in the index, taken if it has none yet; brokers_max: there is none. */
static uint32_t find_place(gov_host_header *header, uint64_t hash) {
  for (uint32_t i = 0; i < MSKGOV_HOST_BROKERS_MAX; i++) {
    uint64_t seen = atomic_load(&header->brokers[i]);

    if (seen == 0 && atomic_compare_exchange_strong(&header->brokers[i], &seen, hash))
      return i;
    if (seen == hash)
      return i;
  }

  return MSKGOV_HOST_BROKERS_MAX;
}

/*
 * Everything up to the segment's end gets its blocks, and none that has them is touched. So
 * what lies within the file never is a hole, which a full file system would answer with a
 * SIGBUS. One at a time: tmpfs takes back what it gave if there is not enough for all, and
 * would take another's that has not been written to. A process that is stopped in the middle
 * is not waited for.
 */
static int grow(gov_host_file *file, uint32_t place, mskgov_error_info *error) {
  const struct timespec pause = {.tv_nsec = (long)GOV_NS_PER_MS};
  off_t end = segment_at(place + 1);
  int rc = 0;

  if (size_of(file) >= end)
    return 0;

  pthread_mutex_lock(&file->mutex);
  for (int i = 0; i < GROWING_PATIENCE_MS &&
                  lock_byte(file->locks.fd, F_OFD_SETLK, F_WRLCK, GROWING_AT, NULL);
       i++)
    nanosleep(&pause, NULL);
  if (size_of(file) < end)
    rc = allocate(file, file->fd, size_of(file), end - size_of(file), error);
  lock_byte(file->locks.fd, F_OFD_SETLK, F_UNLCK, GROWING_AT, NULL);
  pthread_mutex_unlock(&file->mutex);

  return rc;
}

/* Whoever needs it writes the address: all write the same. */
static void write_address(gov_host_segment *segment, const char *address) {
  uint64_t words[GOV_HOST_ADDRESS_WORDS] = {0};

  memcpy(words, address, strnlen(address, sizeof(words) - 1));
  for (size_t i = 0; i < GOV_HOST_ADDRESS_WORDS; i++)
    atomic_store_explicit(&segment->address[i], words[i], memory_order_relaxed);
}

int gov_host_file_broker(gov_host_file *file, const char *address, gov_host_segment **out,
                         mskgov_error_info *error) {
  uint64_t hash = gov_hash_string(address), none = 0;
  uint32_t place = find_place(file->header, hash ? hash : 1);
  gov_host_segment *segment;
  int rc;

  if (place == MSKGOV_HOST_BROKERS_MAX)
    return gov_error_set(error, MSKGOV_ERR_HOST_STORE,
                         "the host store %s knows %u brokers, and no more fit", file->path,
                         MSKGOV_HOST_BROKERS_MAX);

  rc = grow(file, place, error);
  if (rc)
    return rc;

  segment = gov_host_file_segment(file, place);
  if (!segment)
    return gov_error_set(error, MSKGOV_ERR_SYSTEM, "cannot map more of %s", file->path);

  write_address(segment, address);
  if (file->header->quiet_until_ns)
    atomic_compare_exchange_strong(&segment->bucket.tat_ns, &none,
                                   file->header->quiet_until_ns);
  *out = segment;

  return 0;
}
