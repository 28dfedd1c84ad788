package sqs;

import java.net.URI;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.source.SourceConnector;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;

/** What a source of a queue cannot do without, as a peer: it polls ten messages a request, and deletes each that Kafka has. */
public class PolledQueue extends SourceConnector {
  private Map<String, String> settings;

  @Override
  public void start(Map<String, String> given) {
    settings = given;
  }

  @Override
  public Class<? extends Task> taskClass() {
    return PolledQueueTask.class;
  }

  @Override
  public List<Map<String, String>> taskConfigs(int most) {
    return List.of(settings);
  }

  @Override
  public void stop() {}

  @Override
  public ConfigDef config() {
    ConfigDef.Importance high = ConfigDef.Importance.HIGH;
    return new ConfigDef()
        .define("queue.url", ConfigDef.Type.STRING, high, "Its URL.")
        .define("endpoint", ConfigDef.Type.STRING, high, "Of the service.")
        .define("region", ConfigDef.Type.STRING, high, "Its region.")
        .define("topic", ConfigDef.Type.STRING, high, "Where messages go.");
  }

  @Override
  public String version() {
    return "1";
  }

  static SqsClient client(Map<String, String> settings) {
    return SqsClient.builder()
        .endpointOverride(URI.create(settings.get("endpoint")))
        .region(Region.of(settings.get("region")))
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
        .build();
  }
}
