package sqs;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;

/** One request at a time, which waits a second for messages. */
public class PolledQueueTask extends SourceTask {
  private String queue;
  private String topic;
  private SqsClient sqs;

  @Override
  public void start(Map<String, String> settings) {
    queue = settings.get("queue.url");
    topic = settings.get("topic");
    sqs = PolledQueue.client(settings);
  }

  @Override
  public List<SourceRecord> poll() {
    List<Message> messages =
        sqs.receiveMessage(ask -> ask.queueUrl(queue).maxNumberOfMessages(10).waitTimeSeconds(1)).messages();
    List<SourceRecord> records = new ArrayList<>(messages.size());
    for (Message message : messages) {
      Map<String, String> partition = Map.of("queue", queue);
      Map<String, String> offset = Map.of("receipt", message.receiptHandle());
      records.add(
          new SourceRecord(
              partition, offset, topic, Schema.STRING_SCHEMA, message.messageId(), Schema.STRING_SCHEMA, message.body()));
    }
    return records;
  }

  @Override
  public void commitRecord(SourceRecord record, RecordMetadata metadata) {
    String receipt = (String) record.sourceOffset().get("receipt");
    sqs.deleteMessage(ask -> ask.queueUrl(queue).receiptHandle(receipt));
  }

  @Override
  public void stop() {
    sqs.close();
  }

  @Override
  public String version() {
    return "1";
  }
}
