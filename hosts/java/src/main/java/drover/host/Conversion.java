package drover.host;

/** What converts between Connect's data and bytes. */
interface Conversion {
    void fromConnect(int call, In in);

    void toConnect(int call, In in);
}
