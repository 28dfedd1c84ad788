/*
 * The limit: lines of a file to a topic, and a topic to lines of a file, by librdkafka's batch calls and with nothing between.
 * Commands on stdin, each answered by `done`:
 *   source BROKERS FILE TOPIC RECORDS
 *   sink BROKERS TOPIC FILE RECORDS
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#define BATCH 10000
#define WAIT_MS 10000

static void fail(const char *form, ...) {
  va_list given;
  va_start(given, form);
  vfprintf(stderr, form, given);
  fputc('\n', stderr);
  va_end(given);
  exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, key, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail("%s", error);
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) fail("not delivered: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *producer;
static rd_kafka_t *consumer;

/* Kept from one command to the next, as a warm process keeps its connections. */
static rd_kafka_t *client_of(rd_kafka_t **kept, rd_kafka_type_t type, const char *brokers) {
  if (*kept != NULL) return *kept;
  char error[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers);
  if (type == RD_KAFKA_PRODUCER) {
    set(conf, "acks", "all");
    set(conf, "linger.ms", "5");
    set(conf, "batch.size", "1000000");
    set(conf, "batch.num.messages", "1000000");
    set(conf, "queue.buffering.max.messages", "10000000");
    set(conf, "queue.buffering.max.kbytes", "2000000");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  } else {
    set(conf, "group.id", "race-c");
    set(conf, "enable.auto.commit", "false");
    set(conf, "fetch.message.max.bytes", "8388608");
    /* Where its queue is full it rests for a second, by default. */
    set(conf, "queued.min.messages", "10000000");
    set(conf, "queued.max.messages.kbytes", "2000000");
    set(conf, "check.crcs", "true");
  }
  *kept = rd_kafka_new(type, conf, error, sizeof error);
  if (*kept == NULL) fail("%s", error);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(*kept);
  return *kept;
}

static void source(const char *brokers, const char *file, const char *topic_name, long records) {
  rd_kafka_t *client = client_of(&producer, RD_KAFKA_PRODUCER, brokers);
  int fd = open(file, O_RDONLY);
  struct stat about;
  if (fd < 0 || fstat(fd, &about) != 0) fail("%s cannot be read", file);
  char *text = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (text == MAP_FAILED) fail("%s cannot be mapped", file);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, topic_name, NULL);
  rd_kafka_message_t *messages = calloc(BATCH, sizeof *messages);
  char *at = text, *end = text + about.st_size;
  for (long sent = 0; sent < records;) {
    int count = 0;
    for (; count < BATCH && at < end; count++) {
      char *newline = memchr(at, '\n', end - at);
      if (newline == NULL) break;
      messages[count].payload = at;
      messages[count].len = newline - at;
      at = newline + 1;
    }
    if (count == 0) fail("%s has %ld lines, not %ld", file, sent, records);
    /* The lines stay where they are until all are delivered: no copy. */
    int taken = rd_kafka_produce_batch(topic, 0, 0, messages, count);
    if (taken != count) fail("%d of %d messages were taken", taken, count);
    sent += count;
    rd_kafka_poll(client, 0);
  }
  if (rd_kafka_flush(client, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("not all was delivered in time");
  rd_kafka_topic_destroy(topic);
  free(messages);
  munmap(text, about.st_size);
  close(fd);
}

static void sink(const char *brokers, const char *topic, const char *file, long records) {
  rd_kafka_t *client = client_of(&consumer, RD_KAFKA_CONSUMER, brokers);
  rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(partitions, topic, 0)->offset = 0;
  if (rd_kafka_assign(client, partitions)) fail("%s cannot be assigned", topic);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
  FILE *out = fopen(file, "w");
  if (out == NULL) fail("%s cannot be written", file);
  setvbuf(out, NULL, _IOFBF, 1 << 20);
  rd_kafka_message_t **messages = calloc(BATCH, sizeof *messages);
  for (long seen = 0; seen < records;) {
    ssize_t count = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);
    if (count < 0) fail("%s", rd_kafka_err2str(rd_kafka_last_error()));
    for (ssize_t i = 0; i < count; i++) {
      if (messages[i]->err) fail("%s", rd_kafka_message_errstr(messages[i]));
      fwrite(messages[i]->payload, 1, messages[i]->len, out);
      fputc('\n', out);
      rd_kafka_message_destroy(messages[i]);
    }
    seen += count;
  }
  if (fclose(out) != 0) fail("%s cannot be written", file);
  partitions->elems[0].offset = records;
  rd_kafka_resp_err_t refused = rd_kafka_commit(client, partitions, 0);
  if (refused) fail("offsets cannot be committed: %s", rd_kafka_err2str(refused));
  rd_kafka_assign(client, NULL);
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(partitions);
  free(messages);
}

int main(void) {
  char line[4096];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char what[16], brokers[1024], from[1024], to[1024];
    long records;
    if (sscanf(line, "%15s %1023s %1023s %1023s %ld", what, brokers, from, to, &records) != 5) fail("not a command: %s", line);
    if (strcmp(what, "source") == 0) source(brokers, from, to, records);
    else if (strcmp(what, "sink") == 0) sink(brokers, from, to, records);
    else fail("neither source nor sink: %s", what);
    puts("done");
    fflush(stdout);
  }
  return 0;
}
